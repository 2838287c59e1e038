"""The API behind a real address: its functions answer as API Gateway would have them answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from commands.api import Api
from tests.support.samples import REGION
from tests.support.steps import HttpAnswer, call

STAGE = "/v1"


@contextmanager
def served(answering: Callable[[str, str, str | None], HttpAnswer] = call) -> Iterator[Api]:
    """
    The API, for as long as it is needed. `answering` gives the answer to method, path and body.

    It answers in a thread of its own, one request after another.
    """

    class ApiHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # or the body would wait until the headers are acknowledged

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode() if length else None
            answer = answering(self.command, self.path.removeprefix(STAGE), body)
            self.send_response(answer.status)
            for name, values in answer.headers.items():
                for value in values:
                    self.send_header(name, value)
            content = answer.text.encode()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), ApiHandler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        address = f"127.0.0.1:{server.server_port}"
        credentials = Credentials("test", "test")
        through = URLLib3Session(proxies={})
        yield Api(f"http://{address}{STAGE}", address, REGION, credentials, through)
        through.close()
        server.shutdown()
        thread.join()
