"""The first stage of a request: from what was sent to the operation of a valid document."""

import time

from tripgate.gateway.documents import Documents
from tripgate.gateway.edge.persisted import PersistedDocuments
from tripgate.gateway.operation import Operation
from tripgate.gateway.request import GraphQLRequest
from tripgate.upstream.record import recording


class Parser:
    """Finds the operations that requests ask for.

    Args:
        documents: Those seen lately.
        persisted: Those that requests may name instead of sending them.
        explains: Whether a request may ask what its answer takes.
    """

    def __init__(self, documents: Documents, persisted: PersistedDocuments, *, explains: bool) -> None:
        self.explains = explains
        self._documents = documents
        self._persisted = persisted

    async def parse(self, request: GraphQLRequest) -> Operation:
        """The operation that a request asks for.

        The gateways beside this one may know the document behind a digest, or come to know it.

        Raises:
            RequestError: There is none, or it does not fit the schema.
        """
        if request.sha256 is None:
            return self._parse(request)
        await self._persisted.seek(request)
        operation = self._parse(request)
        await self._persisted.share(request)
        return operation

    def _parse(self, request: GraphQLRequest) -> Operation:
        record = recording.get()
        if record is not None:
            record.request = request
            record.parsing = time.perf_counter()
        query = request.query
        if request.document_id is not None or request.sha256 is not None or self._persisted.only_trusted:
            query = self._persisted.text(request)
        if request.explanation is None:
            operation = self._documents.operation(query, request.operation_name)
        else:
            with request.explanation.parsing():
                operation = self._documents.operation(query, request.operation_name)
        if request.sha256 is not None and request.query:  # the digest of what was sent, and of nothing else
            self._persisted.put(request.sha256, query)
        if record is not None:
            record.operation = operation
            record.parsed = time.perf_counter()
        return operation
