"""How this project's own clients reach a local Spark server. Apart from `access` because it loads pyspark."""

from pyspark.sql.connect.client.core import DefaultChannelBuilder

from localrun.spark.access import token_for


class LoopbackChannel(DefaultChannelBuilder):
    """A channel to 127.0.0.1, whatever `localhost` is on this machine and whatever proxy its environment names."""

    def __init__(self, url: str, session_id: str | None = None) -> None:
        super().__init__(url, [("grpc.enable_http_proxy", 0)])
        if token := token_for(url):
            self.set(self.PARAM_TOKEN, token)
        if session_id:
            self.set(self.PARAM_SESSION_ID, session_id)

    @property
    def endpoint(self) -> str:
        """Where the server listens."""
        return f"ipv4:127.0.0.1:{self._port}"
