// The program under test: started as its users start it, ended by its process id.
import { execFile, spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from './check.mjs';

const root = new URL('../../..', import.meta.url).pathname;
export const binary = process.env.VESTIBULE_BIN ?? join(root, 'target/debug/vestibule');
export const tools = process.env.VESTIBULE_TEST_TOOLS ?? join(root, 'target/test-tools');

/** Runs a program to its end: what it writes, without the line's end. */
export async function run(program, args, options = {}) {
  const { stdout } = await promisify(execFile)(program, args, { ...options, maxBuffer: 1 << 24 });
  return stdout.trim();
}

const running = new Set();

async function start(args) {
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const gateway = { child, output: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (gateway.output += text));
  }
  child.on('error', (e) => (gateway.output += e));
  child.on('exit', () => running.delete(gateway));
  running.add(gateway);
  return gateway;
}

/** Ends a gateway, politely first. */
export async function end(gateway) {
  const { child } = gateway;
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 5000);
  await gone;
  clearTimeout(hard);
}

export async function endAll() {
  await Promise.all([...running].map(end));
}

/** A port that was free a moment ago. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function ready(gateway, url) {
  await until(`${url} answers`, 60_000, async () => {
    if (gateway.child.exitCode !== null) throw new Error(`the gateway has ended:\n${gateway.output}`);
    const answer = await fetch(`${url}/readyz`).catch(() => null);
    return answer?.ok;
  });
}

/** The demo in a folder: its report, with the accounts by login and the applications by name. */
export async function demo(dir, port) {
  const gateway = await start(['demo', '--dir', dir, '--port', String(port ?? await freePort())]);
  const report = await until('the demo has written demo.json', 60_000, async () => {
    if (gateway.child.exitCode !== null) throw new Error(`the demo has ended:\n${gateway.output}`);
    return readFile(join(dir, 'demo.json'), 'utf8').then(JSON.parse).catch(() => null);
  });
  await ready(gateway, report.operations);
  return Object.assign(gateway, describe(report));
}

function describe(report) {
  const by = (list, key) => Object.fromEntries(list.map((entry) => [entry[key], entry]));
  return {
    ...report,
    accounts: by(report.accounts, 'login'),
    wiki: by(report.applications, 'name').wiki.url,
    payroll: by(report.applications, 'name').payroll.url,
    cli: (...args) => run(binary, [...args, '--config', report.config]),
  };
}

/** A demo of its own beside one that runs, with its certificates: the browser trusts them. */
export async function another(first, dir) {
  await mkdir(dir);
  const from = first.config.replace(/[^/]*$/, '');
  for (const file of ['ca.pem', 'ca.key', 'cert.pem', 'cert.key']) await cp(from + file, join(dir, file));
  return demo(dir);
}

/** Such a demo once more, with its configuration after `edit`: on the same port it is kept. */
export async function again(first, edit) {
  await end(first);
  const config = await readFile(first.config, 'utf8');
  const edited = edit(config);
  if (edited === config) throw new Error('the edit changed nothing');
  await writeFile(first.config, edited);
  return demo(first.config.replace(/\/[^/]*$/, ''), new URL(first.portal).port);
}

/**
 * Another gateway beside a demo that runs: its certificates, accounts of its own, its configuration after
 * `edit`, and the applications of the demo.
 */
export async function beside(first, dir, edit) {
  const own = await another(first, dir);
  await end(own);
  const upstreams = (text) => [...text.matchAll(/upstream: .*/g)].map(String);
  const [theirs, config] = await Promise.all([first.config, own.config].map((path) => readFile(path, 'utf8')));
  const [wiki, payroll] = upstreams(theirs);
  const [ownWiki, ownPayroll] = upstreams(config);
  const edited = edit(config.replace(ownWiki, wiki).replace(ownPayroll, payroll));
  if (edited === config) throw new Error('the edit changed nothing');
  await writeFile(own.config, edited);
  const gateway = await start(['serve', '--config', own.config]);
  await ready(gateway, own.operations);
  return Object.assign({ ...own }, gateway, { child: gateway.child });
}

/** The keys a browser is told to trust, and no others. */
export async function pins(gateway) {
  const dir = gateway.config.replace(/[^/]*$/, '');
  const files = await Promise.all(['ca.pem', 'cert.pem'].map((file) => readFile(dir + file)));
  return files.map((pem) => {
    const key = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' });
    return createHash('sha256').update(key).digest('base64');
  });
}
