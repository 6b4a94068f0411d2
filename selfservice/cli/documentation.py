"""`docs feedback`, for the writers of the help site."""

from selfservice.cli.frame import command, example, group, say
from selfservice.feedback import ranking
from selfservice.help import PAGES, PREFIX
from selfservice.retention.records import FEEDBACK_MONTHS


@group("docs", "Site d'aide.")
def docs() -> None:
    pass


@docs.command("feedback", epilog=example("docs feedback"))
@command
def docs_feedback() -> None:
    """Classe les pages d'aide, recherches sans résultat et appels ; puis par mois et question."""
    opinions, searches = ranking.opinions(), ranking.missed_searches()
    for each in opinions:
        share = f"{each.useless_share:.0%}".replace("%", " %")
        say(f"page\t{share}\t{each.useless} non sur {each.votes}\t{PREFIX}{each.page}")
    for words, times in searches:
        say(f"recherche\t{times}\t{words}")
    calls = ranking.calls_by_month()
    for month, question, count in calls:
        say(f"appel\t{month}\t{count}\t{PREFIX}{PAGES[question]}")
    for month, page, useless, votes in ranking.votes_by_month():
        say(f"avis\t{month}\t{useless} non sur {votes}\t{PREFIX}{page}")
    for month, count in ranking.missed_by_month():
        say(f"sans résultat\t{month}\t{count}")
    say(
        f"{sum(each.votes for each in opinions)} avis sur {len(opinions)} page(s), "
        f"{sum(times for _, times in searches)} recherche(s) sans résultat, "
        f"{sum(count for _, _, count in calls)} appel(s), "
        f"en {FEEDBACK_MONTHS} mois au plus."
    )
