// Asks each URL by each of Node's libraries, at URL/NAME. What comes of it is seen at the other end.
'use strict';

const http = require('node:http');
const https = require('node:https');
const { createRequire } = require('node:module');

const [modules, ...urls] = process.argv.slice(1);
const load = createRequire(`${modules}/`);

const axios = load('axios');
const { Gaxios } = load('gaxios');
const fetchHappen = load('make-fetch-happen');
const { ProxyAgent } = load('proxy-agent');
const undici = load('undici');

const LIMIT = 20000;

const WAYS = {
  undici: () => {
    const dispatcher = new undici.EnvHttpProxyAgent();
    return async (url) => {
      const { body } = await undici.request(url, { dispatcher, signal: AbortSignal.timeout(LIMIT) });
      await body.text();
    };
  },
  axios: () => (url) => axios.get(url, { timeout: LIMIT }),
  gaxios: () => {
    const gaxios = new Gaxios();
    return (url) => gaxios.request({ url, retry: false, signal: AbortSignal.timeout(LIMIT) });
  },
  'proxy-agent': () => {
    const agent = new ProxyAgent();
    return (url) =>
      new Promise((resolve, reject) => {
        const { get } = url.startsWith('https:') ? https : http;
        get(url, { agent, timeout: LIMIT }, (response) => response.resume().on('end', resolve))
          .on('timeout', reject)
          .on('error', reject);
      });
  },
  'make-fetch-happen': () => async (url) =>
    (await fetchHappen(url, { retry: false, timeout: LIMIT, strictSSL: false })).text(),
};

// Some throw before they give a promise, some where nobody can catch it.
process.on('uncaughtException', (error) => console.error('uncaught', String(error)));

const ask = async (name, way) => {
  const get = way();
  for (const url of urls) {
    await (async () => get(`${url}/${name}`))().catch((error) => console.error(name, url, String(error)));
  }
};

(async () => {
  for (const [name, way] of Object.entries(WAYS)) {
    await ask(name, way).catch((error) => console.error(name, String(error)));
  }
  process.exit();
})();
