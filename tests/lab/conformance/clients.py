"""Asks each URL by each Python library, at URL/LIBRARY. What comes of it is seen at the other end."""

import asyncio
import socket
import ssl
import sys
import urllib.request
import warnings

import aiohttp
import google.auth.transport.requests
import httplib2
import httpx
import requests

LIMIT = 5
socket.setdefaulttimeout(LIMIT)
warnings.simplefilter("ignore")
UNVERIFIED = ssl._create_unverified_context()


def by_urllib(url):
    urllib.request.urlopen(url, context=UNVERIFIED)


def by_requests(url):
    requests.get(url, timeout=LIMIT, verify=False)


def by_google_auth(url):
    session = requests.Session()
    session.verify = False
    google.auth.transport.requests.Request(session)(url, timeout=LIMIT)


def by_httpx(url):
    httpx.get(url, timeout=LIMIT, verify=UNVERIFIED)


def by_aiohttp(url):
    async def ask():
        limit = aiohttp.ClientTimeout(total=LIMIT)
        async with aiohttp.ClientSession(trust_env=True, timeout=limit) as session:
            async with session.get(url, ssl=UNVERIFIED):
                pass

    asyncio.run(ask())


def by_httplib2(url):
    http = httplib2.Http(timeout=LIMIT, disable_ssl_certificate_validation=True)
    http.request(url)


WAYS = {
    "urllib": by_urllib,
    "requests": by_requests,
    "google-auth": by_google_auth,
    "httpx": by_httpx,
    "aiohttp": by_aiohttp,
    "httplib2": by_httplib2,
}

for name, way in WAYS.items():
    for url in sys.argv[1:]:
        try:
            way(f"{url}/{name}")
        except Exception as error:
            print(name, url, repr(error), file=sys.stderr)
