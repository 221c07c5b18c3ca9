"""The scheduler's process: `python -m tripgate.local.scheduler --database-url URL`.

URL is the superuser's over the socket, where every role is let in without a password. Runs until it is ended, which it
may be at any moment: the database has all that it knows.
"""

import argparse
import asyncio
import logging

from tripgate.local.scheduler.runner import Scheduler


def main() -> None:
    """The process's entry."""
    parser = argparse.ArgumentParser(
        description="Runs the jobs of Tripgate's embedded Supabase and sends its requests."
    )
    parser.add_argument("--database-url", required=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(Scheduler(parser.parse_args().database_url).run())


if __name__ == "__main__":
    main()
