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

    tls: (certificate, key), what clients are shown; bytes_per_second: of what they send, can be changed at any time;
    lose(text): of the next request with that in it the server's answer is awaited, and the connection cut instead."""

    def __init__(self, port, tls=None, bytes_per_second=None):
        self._to, self.bytes_per_second = port, bytes_per_second
        self._lost, self.n_lost = None, 0
        self._context = None
        if tls:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(*tls)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, text):
        self._lost = text.encode()

    def _accept(self):
        while True:
            client, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError), client:
            if self._context:
                client = self._context.wrap_socket(client, server_side=True)
            with client, socket.create_connection(("127.0.0.1", self._to)) as server:
                cut = threading.Event()
                answers = threading.Thread(target=self._hand_back, args=(server, client, cut), daemon=True)
                answers.start()
                self._hand_on(client, server, cut)
                answers.join()

    def _hand_on(self, client, server, cut):
        with contextlib.suppress(OSError):
            while data := client.recv(CHUNK):
                if self.bytes_per_second:
                    time.sleep(len(data) / self.bytes_per_second)
                if self._lost and self._lost in data:
                    self._lost, self.n_lost = None, self.n_lost + 1
                    cut.set()
                server.sendall(data)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _hand_back(self, server, client, cut):
        with contextlib.suppress(OSError):
            while (data := server.recv(CHUNK)) and not cut.is_set():
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR if cut.is_set() else socket.SHUT_WR)


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
        """(certificate, key), of that name or address alone."""
        certificate, key, request, names = (self._path(f"{host}.{end}") for end in ("crt", "key", "csr", "names"))
        with open(names, "w", encoding="utf-8") as file:
            file.write(f"subjectAltName={'IP' if host[0].isdigit() else 'DNS'}:{host}\n")
        _openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={host}", "-keyout", key, "-out", request)
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial"),
            *("-days", "2", "-extfile", names, "-out", certificate),
        )
        return certificate, key
