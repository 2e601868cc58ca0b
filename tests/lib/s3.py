"""An object storage with S3's protocol and signed requests: SeaweedFS, one process, with a bucket `lake`.

    s3 = S3()
    s3.environment                  # AWS_ACCESS_KEY_ID and its like
    s3.names()                      # ["sales/2026-11-20.parquet"]
"""
import json
import os
import re
import subprocess
import urllib.parse

from harness import ROOT, Server, free_port, new_folder, reserve_port
from tap import Skip, wait_until

WEED = os.path.join(ROOT, "tests", "deps", "s3", "venv", "bin", "weed")
GRPC = 10000  # beside each port


def free_pair():
    """A port whose other, for gRPC, is a port as well."""
    while True:
        port = free_port()
        if port + GRPC < 65536 and reserve_port(port + GRPC):
            return port


class S3(Server):
    key, secret, region = "AKIATESTKEY", "s3cr3t/of+the-tests", "us-east-1"

    def __init__(self):
        super().__init__()
        if not os.path.exists(WEED):
            raise Skip("SeaweedFS is not to be had; run tools/setup test with a network")
        self.folder = new_folder("s3")
        self.log = os.path.join(self.folder, "log")
        self.port = free_pair()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_ENDPOINT_URL_S3": self.url,
        }
        self.start()

    def start(self):
        keys = {"accessKey": self.key, "secretKey": self.secret}
        who = {"name": "test", "credentials": [keys], "actions": ["Admin", "Read", "Write", "List"]}
        identities = os.path.join(self.folder, "identities.json")
        with open(identities, "w", encoding="utf-8") as file:
            json.dump({"identities": [who]}, file)
        options = {"ip": "127.0.0.1", "ip.bind": "127.0.0.1", "dir": self.folder, "bucket": "lake"}
        options |= {f"{name}.port": free_pair() for name in ("master", "volume", "filer", "admin")}
        options |= {"s3.port": self.port, "s3.config": identities, "s3.externalUrl": self.url}
        options |= {"s3.port.iceberg": 0, "s3.port.lance": 0, "admin.ui": "false", "webdav": "false"}
        options |= {"master.telemetry": "false"}
        self.spawn([WEED, "-logtostderr", "mini", *(f"-{name}={value}" for name, value in options.items())])
        wait_until(lambda: self.ask("lake", check=False)[0] == 200, "SeaweedFS to have its bucket", 60)

    def ask(self, path, *more, check=True):
        """(status, body) of a signed request."""
        argv = ["curl", "-s", "-w", "%{http_code}", "--user", f"{self.key}:{self.secret}"]
        argv += ["--aws-sigv4", f"aws:amz:{self.region}:s3", *more, f"{self.url}/{path}"]
        said = subprocess.run(argv, capture_output=True).stdout
        status, body = int(said[-3:] or 0), said[:-3]
        if check and status != 200:
            raise AssertionError(f"S3 {path}: {status} {body[:300]}")
        return status, body

    def names(self):
        return re.findall(r"<Key>([^<]*)</Key>", self.ask("lake")[1].decode())

    def get(self, name):
        return self.ask("lake/" + urllib.parse.quote(name))[1]
