"""The servers of the contenders, each started once for every surroundings that some workload wants."""

from collections.abc import Callable
from urllib.parse import urlsplit

from bench.contenders import DIRECT, POSTGRAPHILE, RAW, TRIPGATE, Contender
from bench.cpu import Tree
from bench.node import installed
from bench.site import Site
from bench.workloads import Workload
from tripgate.local.postgrest import POOL
from tripgate.local.process import ServerProcess


class Servers:
    """Where a workload finds a contender.

    Args:
        progress: Told what is fetched.
        label: Tells the servers of this one from those of others.
    """

    def __init__(self, site: Site, progress: Callable[[str], None], label: str = "serving") -> None:
        self._site = site
        self._progress = progress
        self._label = label
        self._urls: dict[tuple[str, tuple[tuple[str, str], ...]], str] = {}
        self._delayed: dict[tuple[str, float], str] = {}
        self._trees: dict[str, Tree] = {}

    def url(self, contender: Contender, workload: Workload) -> str:
        """The contender's address under the workload's conditions; it is started when it does not run yet.

        Raises:
            StartError: It does not start.
            NodeError: It cannot be fetched.
        """
        info = self._site.info
        if contender == RAW:
            return self._away(info.rest_url, workload.delay_ms)
        env = dict(contender.env)
        if contender == POSTGRAPHILE:
            env["DATABASE_URL"] = self._away(self._site.authenticator_url, workload.delay_ms)
        else:
            env["TRIPGATE_REST_URL"] = self._away(info.rest_url, workload.delay_ms)
        if contender == DIRECT:
            env["TRIPGATE_DATABASE_URL"] = self._away(self._site.login_url, workload.delay_ms)
            env["TRIPGATE_DATABASE_POOL"] = str(POOL)
        if contender in {TRIPGATE, DIRECT}:
            env.update(workload.settings)
        key = (contender.name, tuple(sorted(env.items())))
        if key not in self._urls:
            name = f"{self._label}_{contender.name}_{len(self._urls)}"
            self._urls[key] = self._site.address(self._start(name, contender, env))
        return self._urls[key]

    def tree(self, contender: Contender, workload: Workload) -> Tree | None:
        """The processes of a contender that runs; `None` for PostgREST itself, which has a tree of its own."""
        return None if contender == RAW else self._tree(self.url(contender, workload))

    def ways(self) -> list[Tree]:
        """The processes that delay what passes through them."""
        return [self._tree(url) for url in self._delayed.values()]

    def _start(self, name: str, contender: Contender, env: dict[str, str]) -> ServerProcess:
        if contender == POSTGRAPHILE:
            found = installed(self._progress)
            production = {"NODE_ENV": "production", "GRAPHILE_ENV": "production"}
            return self._site.run(name, [str(found.node), str(found.server)], {**env, **production})
        assert contender.module is not None
        return self._site.start(name, contender.module, contender.arguments, env)

    def _away(self, url: str, delay_ms: float) -> str:
        """The same address, so much further away."""
        if not delay_ms:
            return url
        parts = urlsplit(url)
        if (url, delay_ms) not in self._delayed:
            way = [str(parts.hostname), str(parts.port), str(delay_ms)]
            process = self._site.start(f"{self._label}_delay_{len(self._delayed)}", "bench.delay", way, {})
            self._delayed[url, delay_ms] = self._site.address(process)
        there = urlsplit(self._delayed[url, delay_ms])
        return parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{there.port}")).geturl()

    def _tree(self, url: str) -> Tree:
        if url not in self._trees:
            self._trees[url] = Tree.serving(url)
        return self._trees[url]
