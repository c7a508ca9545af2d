"""`publish MESSAGE ENDPOINT COUNT IN_FLIGHT`: publishes what is in the file so often, so many at once."""

import os
import pathlib
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config


def main():
    file, endpoint, count, in_flight = sys.argv[1:]
    # Only one of them runs at a time. With 1, 2, 4, 8 or 32 of them a publish takes the same of the processor.
    threads = int(in_flight)
    # What is sent is made right here: the SDK need not look whether it is valid.
    config = Config(
        region_name=os.environ["AWS_REGION"],
        max_pool_connections=threads,
        parameter_validation=False,
        retries={"total_max_attempts": 1},
    )
    sns = boto3.client("sns", config=config)
    message = {"TargetArn": endpoint, "MessageStructure": "json", "Message": pathlib.Path(file).read_text()}

    def publish(times):
        for _ in range(times):
            sns.publish(**message)

    each, more = divmod(int(count), threads)
    with ThreadPoolExecutor(threads) as pool:
        # The results are looked at: an error in a thread ends the program.
        list(pool.map(publish, [each + (number < more) for number in range(threads)]))


main()
