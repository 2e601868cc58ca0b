"""What stands between a client and its server: a proxy that speaks TLS or is slow, and certificates to speak it with."""
import contextlib
import os
import socket
import ssl
import subprocess
import threading
import time

CHUNK = 1 << 14


class Between:
    """Hands bytes on from a free port to a server's port of this machine, until the test program ends.

    tls: (certificate, key), what clients are shown; bytes_per_second: of what they send, can be changed at any time."""

    def __init__(self, port, tls=None, bytes_per_second=None):
        self._to, self.bytes_per_second = port, bytes_per_second
        self._context = None
        if tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*tls)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError), client:
            if self._context:
                client = self._context.wrap_socket(client, server_side=True)
            with client, socket.create_connection(("127.0.0.1", self._to)) as server:
                answers = threading.Thread(target=self._hand_on, args=(server, client, False), daemon=True)
                answers.start()
                self._hand_on(client, server, True)
                answers.join()

    def _hand_on(self, source, target, slowly):
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                if slowly and self.bytes_per_second:
                    time.sleep(len(data) / self.bytes_per_second)
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


def _openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True)


class Authority:
    """Signs certificates, in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.certificate, self._key = self._path("authority.crt"), self._path("authority.key")
        _openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=authority"),
            *("-keyout", self._key, "-out", self.certificate),
        )

    def _path(self, name):
        return os.path.join(self.folder, name)

    def sign(self, host):
        """(certificate, key), of that name alone."""
        certificate, key, request, names = (self._path(f"{host}.{end}") for end in ("crt", "key", "csr", "names"))
        with open(names, "w", encoding="utf-8") as file:
            file.write(f"subjectAltName=DNS:{host}\n")
        _openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={host}", "-keyout", key, "-out", request)
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial"),
            *("-days", "2", "-extfile", names, "-out", certificate),
        )
        return certificate, key
