"""Asks URLs by each Python library, in each of several environments: an argument for each, as JSON.

Each environment has a process of its own, forked when all is imported: that takes longer than to ask. A library asks for
URL/LIBRARY; what comes of it is seen at the other end.
"""

import asyncio
import json
import os
import socket
import ssl
import sys
import urllib.request
import warnings
from urllib.parse import urlsplit

import aiohttp
import google.auth.transport.requests
import httplib2
import httpx
import pip._internal.commands.install
import requests
from pip._internal.cli.main import main as pip_main

LIMIT = 20
UNVERIFIED = ssl._create_unverified_context()


def by_urllib():
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=UNVERIFIED)).open


def by_requests():
    session = requests.Session()
    return lambda url: session.get(url, timeout=LIMIT, verify=False)


def by_google_auth():
    session = requests.Session()
    session.verify = False
    request = google.auth.transport.requests.Request(session)
    return lambda url: request(url, timeout=LIMIT)


def by_httpx():
    return httpx.Client(timeout=LIMIT, verify=UNVERIFIED).get


def by_aiohttp():
    async def ask(url):
        limit = aiohttp.ClientTimeout(total=LIMIT)
        async with aiohttp.ClientSession(trust_env=True, timeout=limit) as session:
            async with session.get(url, ssl=UNVERIFIED):
                pass

    return lambda url: asyncio.run(ask(url))


def by_httplib2():
    http = httplib2.Http(timeout=LIMIT, disable_ssl_certificate_validation=True)
    return http.request


WAYS = {
    "urllib": by_urllib,
    "requests": by_requests,
    "google-auth": by_google_auth,
    "httpx": by_httpx,
    "aiohttp": by_aiohttp,
    "httplib2": by_httplib2,
}


def by_pip(urls):
    """A page of links at each URL is looked at for a package that is on none."""
    options = ["--no-index", "--disable-pip-version-check", "--retries=0", f"--timeout={LIMIT}"]
    for url in urls:
        options += [f"--find-links={url}/pip", f"--trusted-host={urlsplit(url).netloc}"]
    pip_main(["install", "--quiet", "--no-input", *options, "nothing"])


def ask(urls):
    socket.setdefaulttimeout(LIMIT)
    warnings.simplefilter("ignore")
    for name, way in WAYS.items():
        try:
            get = way()
        except Exception as error:
            print(name, repr(error), file=sys.stderr)
            continue
        for url in urls:
            try:
                get(f"{url}/{name}")
            except Exception as error:
                print(name, url, repr(error), file=sys.stderr)
    by_pip(urls)


for argument in sys.argv[1:]:
    task = json.loads(argument)
    process = os.fork()
    if not process:
        os.environ.clear()
        os.environ.update(task["environment"])
        try:
            ask(task["urls"])
        finally:
            sys.stderr.flush()
            os._exit(0)
    os.waitpid(process, 0)
