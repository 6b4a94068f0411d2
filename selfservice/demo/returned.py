"""Mails that a server takes and gives back: what the demonstration shows of a full mailbox."""

from selfservice import mail

RETURNING_DOMAIN = "retour.example"
REPORT = """\
From: MAILER-DAEMON@{domain}
To: {address}
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=LIMIT

--LIMIT
Content-Type: message/delivery-status

Reporting-MTA: dns; {domain}

Final-Recipient: rfc822; {recipient}
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp; 552 5.2.2 <{recipient}>: mailbox full

--LIMIT--
"""


def return_mails() -> None:
    """Give the portal back each mail that left for RETURNING_DOMAIN, as a mail server would."""
    for each in list(mail.mails().where(mail.OutboxMail.domain == RETURNING_DOMAIN)):
        address = mail.signed(
            f"retours@{RETURNING_DOMAIN}",
            mail_id=each.id,
            sending=mail.sending_of(each) - 1,
            address_key=each.address_key,
        )
        report = REPORT.format(domain=RETURNING_DOMAIN, address=address, recipient=each.to_address)
        mail.receive(report.encode())
