"""Computes the dollars of a month in the operator's guide: `cost.py [--write]`.

What a month of a user consists of is assumed, as the guide says. Without `--write` it fails where the guide has other figures.
A test of tests/bench counts what one operation costs."""

import re
import sys
from pathlib import Path

GUIDE = Path("infra/README.md")
# List prices of us-east-1 in dollars: each of these, as the table names it, for one of it.
PRICES = {
    "api": (
        "[API Gateway](https://aws.amazon.com/api-gateway/pricing/), HTTP API",
        "1.00 a million, 0.90 beyond 300 million",
        1e-6,
    ),
    "invocations": ("[Lambda](https://aws.amazon.com/lambda/pricing/) requests", "0.20 a million", 0.2e-6),
    "gb_seconds": ("Lambda time, x86", "0.0000166667 a GB-second", 0.0000166667),
    "writes": ("[DynamoDB](https://aws.amazon.com/dynamodb/pricing/on-demand/) writes", "0.625 a million", 0.625e-6),
    "reads": ("DynamoDB reads", "0.125 a million", 0.125e-6),
    "stored_gb": ("DynamoDB storage, with recovery", "0.25 + 0.20 a GB", 0.45),
    "publishes": ("[SNS](https://aws.amazon.com/sns/pricing/) mobile push", "0.50 a million", 0.5e-6),
    "queue": ("[SQS](https://aws.amazon.com/sqs/pricing/), 3 requests a message", "0.40 a million", 0.4e-6),
    "log_gb": ("[CloudWatch](https://aws.amazon.com/cloudwatch/pricing/) logs of the functions", "0.50 a GB", 0.5),
    "access_log_gb": ("logs of API Gateway, INFREQUENT_ACCESS", "0.25 a GB", 0.25),
    "out_gb": ("out of AWS", "0.09 a GB", 0.09),
}
KB = 1e-6  # in GB


def month(people):
    """What a month of one user takes, of whom each message is for so many people."""
    inits, unchanged, logins, logouts, pushes = 91.5, 90, 1.5, 1.5, 60
    sends = pushes / people
    writes, seconds, item, log = (3, 0.1, 0.85, 0.85) if people == 1 else (6, 0.3, 4.6, 0.9)
    api = inits + unchanged + logins + logouts + sends
    small = inits * 0.005 + unchanged * 0.015 + logins * 0.15 + logouts * 0.04
    return {
        "api": api,
        "invocations": api + logouts,
        "gb_seconds": small / 8 + sends * seconds / 2,
        "writes": logins * 8 + logouts * 6 + sends * writes,
        "reads": unchanged * 3 + logins * 3 + logouts + pushes * 2.5,
        "stored_gb": (1.5 + 3 * sends * item) * KB,
        "publishes": pushes * 1.5,
        "queue": logouts * 3,
        "log_gb": (inits * 0.23 + (unchanged + logins + logouts) * 0.48 + sends * log) * KB,
        "access_log_gb": api * 0.26 * KB,
        "out_gb": (184.5 * 1.0 + sends * 0.9) * KB,
    }


def dollars(users, people):
    """What each service costs in a month."""
    each = {name: amount * users * PRICES[name][2] for name, amount in month(people).items()}
    calls = month(people)["api"] * users
    each["api"] = min(calls, 3e8) * 1e-6 + max(calls - 3e8, 0) * 0.9e-6
    return each


def shown(amount):
    return f"{amount:.2f}" if amount < 10 else f"{amount:,.0f}"


def table():
    columns = [dollars(1e4, 1), dollars(1e6, 1), dollars(1e8, 100)]
    yield "| service | price | 10 k users | 1 M users | 100 M users, 100 in a message |"
    yield "|---|---|---|---|---|"
    for name, (service, price, _) in PRICES.items():
        yield f"| {service} | {price} | {' | '.join(shown(column[name]) for column in columns)} |"
    sums = [sum(column.values()) for column in columns]
    yield f"| **sum** | | {' | '.join(f'**{amount:,.0f}**' for amount in sums)} |"
    users = [1e4, 1e6, 1e8]
    yield f"| a user and month | | {' | '.join(f'{amount / n:.4f}' for amount, n in zip(sums, users, strict=True))} |"
    yield ""
    small, large = sum(dollars(1e6, 100).values()), sum(dollars(1e8, 1).values())
    yield f"1 M users with 100 in a message: {small:,.0f}. 100 M users with a message for each: {large:,.0f}."


def main(*options):
    guide = GUIDE.read_text(encoding="utf-8")
    begin, end = "<!-- cost -->\n", "<!-- end of cost -->"
    made = f"{begin}\n{chr(10).join(table())}\n\n{end}"
    if options == ("--write",):
        GUIDE.write_text(re.sub(f"{begin}.*?{end}", lambda _: made, guide, flags=re.S), encoding="utf-8")
    elif made not in guide:
        sys.exit(f"the cost in {GUIDE} is not what {__file__} --write makes of it")


main(*sys.argv[1:])
