// A client's life through the public API: LC1 to LC14 of docs/behaviour.md, each written once, for every role, in Node.js and in
// browsers. A scenario gets a world: `Kafka`, `role`, the `options` that lead through the network, a `topic` that exists, and `net(...)`,
// which tells the network what to do (network.mjs says what it can). Nothing here asserts on time.

const instantiate = WebAssembly.instantiate;
let memory;
// LC13 breaks the core, whose memory nobody is given: it is noted when the core is loaded.
WebAssembly.instantiate = async (...args) => {
  const made = await instantiate(...args);
  memory = (made.instance ?? made).exports.memory;
  return made;
};

/** The kinds of clients. A new one is a line here and in `work`. */
export const roles = ['producer', 'consumer', 'admin'];

/** Faults are noticed soon. */
const IMPATIENT = { reconnectBackoffMs: 5, reconnectBackoffMaxMs: 20, retryBackoffMs: 5, retryBackoffMaxMs: 20 };

/** A client of the scenario's role. */
function make({ Kafka, role, options }, own = {}) {
  const kafka = new Kafka({ ...IMPATIENT, ...options });
  return kafka[role](role === 'consumer' ? { fetchMaxWaitMs: 50, ...own } : own);
}

/** Does what a client of its role does, once; started or not. */
async function work(client, { role, topic }) {
  if (role === 'producer') return client.produce({ topic, partition: 0, value: 'x' });
  if (role === 'admin') return client.listOffsets({ partitions: [{ topic, partition: 0 }] });
  client.assign([{ topic, partition: 0, offset: 'earliest' }]);
  return client.endOffsets([{ topic, partition: 0 }]);
}

const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

function equal(found, expected, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: expected ${b}, found ${a}`);
}

/** The code of the error with which a promise ends. */
async function failure(promise) {
  const error = await promise.then((value) => ({ code: `success: ${JSON.stringify(value)}` }), (error) => error);
  if (typeof error.code !== 'string' || error.message === '') throw new Error(`no error of ours: ${error.stack ?? error}`);
  return error.code;
}

async function until(what, check) {
  for (let tries = 0; tries < 2_000; tries += 1) {
    if (await check()) return;
    await sleep(5);
  }
  throw new Error(`waited in vain until ${what}`);
}

/** No socket, timer or waiter, by the client's own account and by the network's. */
async function nothingIsOpen(client, net) {
  equal(client.state, 'idle', 'state');
  const { sockets = 0, timers = 0, waiters = 0 } = client.metrics();
  equal({ sockets, timers, waiters }, { sockets: 0, timers: 0, waiters: 0 }, 'what is left');
  await until('every connection is closed', async () => (await net('count')).open === 0);
}

/** A client that failed works as if nothing had been. */
async function works(client, world) {
  await world.net('open');
  await client.start();
  await work(client, world);
  equal(client.state, 'started', 'state');
  await client.stop();
  await nothingIsOpen(client, world.net);
}

/** After so many bytes of replies the network falls silent: steps of starting, from the first byte to the last one. */
const STEPS = [0, 1, 4, 30, 200, 400, 480, 520, 560, 600, 640];

export const scenarios = {
  'LC1: a hundred start() calls make one start': async (world) => {
    const client = make(world);
    const starts = Array.from({ length: 100 }, () => client.start().then(() => client.state));
    equal(client.state, 'starting', 'state before anything has come');
    equal([...new Set(await Promise.all(starts))], ['started'], 'state when the callers hear of it');
    const { bootstraps, connects } = client.metrics();
    equal({ bootstraps, connects }, { bootstraps: 1, connects: 1 }, 'starts');
    equal((await world.net('count')).connections, 1, 'connections');
    await client.stop();
  },

  'LC2: start() on a started client sends nothing': async (world) => {
    const client = make(world);
    await client.start();
    const before = client.metrics();
    for (let i = 0; i < 10; i += 1) await client.start();
    await client.connect();
    equal(client.metrics(), before, 'counters');
    await client.stop();
  },

  'LC3: a start that fails, however, leaves nothing, and the next one works': async (world) => {
    for (const fault of [['closed'], ['silent'], ['nonsense'], ...STEPS.map((bytes) => ['after', bytes])]) {
      await world.net(...fault);
      const client = make(world);
      // As soon as whatever comes has come: the limit is only long enough for the bytes that pass.
      const ends = await Promise.all([client, client].map((it) => it.start({ timeoutMs: 150 }).then(() => 'started', ({ code }) => code)));
      equal(ends[0], ends[1], `both callers hear the same after ${fault}`);
      if (ends[0] === 'started') {
        if (fault[0] !== 'after') throw new Error(`started although ${fault}`);
        await client.stop({ timeoutMs: 100 });
      } else if (!['TIMEOUT', 'MALFORMED_REPLY', 'NO_BROKERS_AVAILABLE'].includes(ends[0])) throw new Error(`${fault}: ${ends[0]}`);
      await nothingIsOpen(client, world.net);
      await works(client, world);
    }
  },

  'LC4: who gives up gets a cancellation, and the last one takes the start with it': async (world) => {
    await world.net('silent');
    const client = make(world);
    const leaving = [new AbortController(), new AbortController()];
    const ends = leaving.map(({ signal }) => failure(client.start({ signal })));
    await until('it connects', () => client.metrics().connects === 1);
    leaving[0].abort();
    equal([await ends[0], client.state], ['CANCELLED', 'starting'], 'the first one');
    leaving[1].abort();
    equal([await ends[1], client.state], ['CANCELLED', 'idle'], 'the last one');
    await nothingIsOpen(client, world.net);
    equal(await failure(client.start({ signal: AbortSignal.abort() })), 'CANCELLED', 'one that never began');
    await world.net('open');
    const stays = client.start();
    const leaves = new AbortController();
    const left = failure(client.start({ signal: leaves.signal }));
    leaves.abort();
    equal(await left, 'CANCELLED', 'one of two');
    await stays;
    equal(client.metrics().bootstraps, 2, 'starts');
    await client.stop();
  },

  'LC5: stop() during a start, at each step, ends it': async (world) => {
    for (const bytes of STEPS) {
      await world.net('after', bytes);
      const client = make(world);
      const start = client.start().then(() => 'started', ({ code }) => code);
      await until('what passes has passed', async () => client.state === 'started' || (client.metrics().connects === 1 && (await sleep(20), true)));
      await client.stop({ timeoutMs: 100 });
      const end = await start;
      if (end !== 'STOPPED' && !(end === 'started' && bytes > 200)) throw new Error(`after ${bytes} bytes: ${end}`);
      await nothingIsOpen(client, world.net);
      await works(client, world);
    }
    const early = make(world);
    const start = failure(early.start());
    await early.stop();
    equal([await start, early.state], ['STOPPED', 'idle'], 'while the core is loading');
  },

  'LC6: start() after stop() is a real start': async (world) => {
    const client = make(world);
    for (let round = 1; round <= 3; round += 1) {
      await client.start();
      await work(client, world);
      equal(client.metrics().bootstraps, round, 'starts');
      await client.stop();
      await nothingIsOpen(client, world.net);
    }
  },

  'LC7: several stop() calls end together, and on an idle client at once': async (world) => {
    const client = make(world);
    await Promise.all([client.stop(), client.stop()]);
    equal((await world.net('count')).connections, 0, 'connections');
    for (let round = 0; round < 2; round += 1) {
      await client.start();
      await work(client, world);
      await Promise.all([client.stop(), client.disconnect(), client.close(), client.stop()]);
      await nothingIsOpen(client, world.net);
    }
  },

  'LC8: stop() ends with every broker gone, and so does what was under way': async (world) => {
    for (const fault of ['closed', 'silent']) {
      await world.net('open');
      const client = make(world);
      await client.start();
      await work(client, world);
      await world.net(fault);
      const pending = failure(work(client, world));
      const asked = failure(client.partitionsFor('unknown-topic'));
      await client.stop({ timeoutMs: 100 });
      equal([await pending, await asked], ['STOPPED', 'STOPPED'], fault);
      await nothingIsOpen(client, world.net);
    }
  },

  'LC9: the first call starts the client, and after stop() calls fail at once': async (world) => {
    const client = make(world);
    equal(client.state, 'idle', 'state');
    await work(client, world);
    equal(client.state, 'started', 'state after the first call');
    await client.stop();
    equal(await failure(client.partitionsFor(world.topic)), 'STOPPED', 'partitionsFor()');
    equal(await failure(work(client, world)), 'STOPPED', 'work');
    await nothingIsOpen(client, world.net);
  },

  'LC10: nothing is left after stop(), and nothing comes back': async (world) => {
    const client = make(world);
    await client.start();
    await work(client, world);
    // It is about to come back.
    await world.net('cut');
    await client.stop({ timeoutMs: 500 });
    await nothingIsOpen(client, world.net);
    const { connections } = await world.net('count');
    await sleep(100);
    equal((await world.net('count')).connections, connections, 'connections after several backoffs');
  },

  'LC11: an idle client is not woken': async (world) => {
    const client = make(world);
    await client.start();
    await sleep(50);
    const timeouts = globalThis.setTimeout;
    let woken = 0;
    globalThis.setTimeout = (callback, millis, ...rest) => timeouts(() => ((woken += 1), callback(...rest)), millis);
    try {
      const { requestsSent } = client.metrics();
      await new Promise((resolve) => timeouts(resolve, 300));
      equal(woken, 0, 'timers that fired');
      equal(client.metrics().requestsSent, requestsSent, 'requests');
    } finally {
      globalThis.setTimeout = timeouts;
    }
    await client.stop();
  },

  'LC12: stop() sends what lingers, ends a poll, and waits for what an admin client does': async (world) => {
    const client = make(world, world.role === 'producer' ? { lingerMs: 60_000 } : {});
    if (world.role === 'consumer') {
      client.assign([{ topic: world.topic, partition: 0, offset: 'latest' }]);
      const poll = client.poll();
      await client.start();
      await client.stop();
      return equal(await poll, [], 'what the poll ends with');
    }
    if (world.role === 'admin') {
      await client.start();
      const asked = work(client, world);
      // What has reached the core ends before the client does.
      await sleep(0);
      await client.stop();
      return equal((await asked).length, 1, 'what was asked before the stop');
    }
    const flushed = work(client, world);
    await client.flush();
    equal(typeof (await flushed).offset, 'bigint', 'what was flushed');
    const stopped = work(client, world);
    await client.stop();
    equal(typeof (await stopped).offset, 'bigint', 'what was stopped');
  },

  'LC14: a start waits for Kafka as long as it is told to, and says so': async (world) => {
    await world.net('closed');
    const client = make(world);
    equal(await failure(client.start({ timeoutMs: 100 })), 'TIMEOUT', 'with a limit');
    equal(client.state, 'idle', 'state after it');
    const states = [];
    client.on('status', ({ state, attempt }) => states.push([state, attempt]));
    const start = client.start();
    await until('attempts are counted', () => states.some(([state, attempt]) => state === 'reconnecting' && attempt >= 3));
    await until('it says that it is offline', () => states.some(([state]) => state === 'offline'));
    equal(client.state, 'starting', 'state meanwhile');
    await world.net('open');
    await start;
    equal(states.at(-1)[0], 'connected', 'the last condition');
    await client.stop();
  },

  // The last one: there is no way back. The core's memory is overwritten under its feet.
  'LC13: a failure inside reaches every pending and later call': async (world) => {
    const client = make(world, world.role === 'producer' ? { lingerMs: 60_000 } : {});
    await client.start();
    client.on('fatal', (error) => fatal.push(error.name));
    const fatal = [];
    const ends = [];
    const end = (promise) => promise.then(() => 'fine', ({ name }) => name).then((name) => ends.push(name));
    if (world.role === 'consumer') client.assign([{ topic: world.topic, partition: 0, offset: 'latest' }]);
    const wait = {
      producer: () => client.produce({ topic: world.topic, value: 'x' }),
      consumer: () => client.poll(),
      admin: () => client.describeTopics({ topics: ['there-is-no-such-topic'] }),
    };
    // Nobody answers, or the admin's command could end before the core is broken.
    if (world.role === 'admin') await world.net('silent');
    const pending = end(wait[world.role]());
    await sleep(50);
    new Uint8Array(memory.buffer).fill(0xff);
    await end(client.partitionsFor(world.topic));
    await Promise.all([pending, end(client.start()), end(work(client, world))]);
    equal(ends, Array(4).fill('InternalError'), 'every call');
    await client.stop();
    equal([client.state, fatal], ['failed', ['InternalError']], 'state and event');
  },
};
