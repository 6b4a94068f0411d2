from datetime import date, timedelta

import words
from django.contrib.auth.decorators import login_required
from django.db.models import CharField, Exists, OuterRef, Sum
from django.db.models.functions import Cast, Substr
from django.http import HttpResponse
from django.shortcuts import render

from bills.models import Invoice, Opening


@login_required
def index(request):
    company, today = request.user.company, date.today()
    oldest = words.add_months(today, -words.RETENTION_MONTHS)
    earliest = words.add_months(today, -words.HISTORY_MONTHS)
    available = Invoice.objects.filter(company=company, issued_on__gte=oldest)
    opened = Opening.objects.filter(invoice=OuterRef("pk"), user_id=request.user.portal_user_id)
    shown = available.filter(issued_on__gte=earliest).annotate(is_new=~Exists(opened))
    until = oldest + timedelta(days=words.LEAVING_DAYS)
    leaving = available.filter(downloaded_at=None, issued_on__lte=until)
    hidden = available.filter(issued_on__lt=earliest)
    invoices = list(shown.order_by("-issued_on", "-id")[: words.PAGE_ROWS])
    month = Substr(Cast("issued_on", CharField()), 1, 7)
    of_page = shown.filter(issued_on__range=words.month_bounds(invoices)).annotate(month=month)
    sums = of_page.order_by().values_list("month").annotate(Sum("gross_cents"))
    contracts = available.exclude(contract="").values_list("contract", flat=True).distinct()
    return render(
        request,
        "django.html",
        {
            "company": company,
            "count": shown[: words.COUNT_CAP].count(),
            "hidden": hidden[: words.COUNT_CAP].count(),
            "leaving": leaving[: words.COUNT_CAP].count(),
            "months": words.by_month(invoices, dict(sums)),
            "differing": words.differing(invoices),
            "totals": words.totals(invoices),
            "contracts": contracts.order_by("contract")[: words.CONTRACTS],
        },
    )


def document(request, invoice_id):
    return HttpResponse(status=404)
