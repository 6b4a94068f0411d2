"""`docs feedback`, for the writers of the help site."""

from selfservice.cli.frame import command, example, group, say
from selfservice.feedback import ranking
from selfservice.help import PREFIX
from selfservice.retention.records import FEEDBACK_MONTHS


@group("docs", "Site d'aide.")
def docs() -> None:
    pass


@docs.command("feedback", epilog=example("docs feedback"))
@command
def docs_feedback() -> None:
    """Classe les pages d'aide jugées inutiles et les recherches sans résultat."""
    opinions, searches = ranking.opinions(), ranking.missed_searches()
    for each in opinions:
        share = f"{each.useless_share:.0%}".replace("%", " %")
        say(f"page\t{share}\t{each.useless} non sur {each.votes}\t{PREFIX}{each.page}")
    for words, times in searches:
        say(f"recherche\t{times}\t{words}")
    say(
        f"{sum(each.votes for each in opinions)} avis sur {len(opinions)} page(s), "
        f"{sum(times for _, times in searches)} recherche(s) sans résultat, "
        f"en {FEEDBACK_MONTHS} mois au plus."
    )
