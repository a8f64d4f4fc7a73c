// The way between a client and the real Kafka, as a TCP server on loopback that does what a scenario tells it.

import { connect, createServer } from 'node:net';

/** A way that can be closed, cut, silenced, or made to speak nonsense. */
export class Network {
  #target;
  #server;
  #port;
  #pairs = new Set();
  #mode = 'open';
  #bytesLeft = Infinity;
  #connections = 0;

  constructor(target) {
    const [host, port] = target.split(':');
    this.#target = { host, port: Number(port) };
  }

  static async to(target) {
    const network = new Network(target);
    await network.#listen(0);
    return network;
  }

  get port() {
    return this.#port;
  }

  /**
   * `open`: everything passes. `closed`: nobody listens, and what was open is cut. `silent`: connections are accepted and nothing
   * passes any more. `nonsense`: what is accepted is answered with something that is not Kafka. `after`: so many bytes of replies
   * still pass, then silence. `cut`: what is open is cut. `count`: how many connections have come, and how many are open.
   */
  async tell(command, bytes) {
    if (command === 'count') return { connections: this.#connections, open: this.#pairs.size };
    if (command === 'cut') return this.#cut();
    if (command === 'closed') {
      await this.#unlisten();
      return this.#cut();
    }
    this.#mode = command === 'after' ? 'open' : command;
    this.#bytesLeft = command === 'after' ? bytes : Infinity;
    this.#connections = 0;
    if (this.#server === undefined) await this.#listen(this.#port);
  }

  async close() {
    await this.#unlisten();
    this.#cut();
  }

  async #listen(port) {
    const server = createServer((socket) => this.#join(socket));
    await new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    this.#server = server;
    this.#port = server.address().port;
  }

  #unlisten() {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return Promise.resolve();
    const ended = new Promise((resolve) => server.close(resolve));
    this.#cut();
    return ended;
  }

  #cut() {
    for (const { socket, broker } of this.#pairs) {
      socket.resetAndDestroy();
      broker?.destroy();
    }
  }

  #join(socket) {
    this.#connections += 1;
    const nonsense = this.#mode === 'nonsense';
    const broker = nonsense ? undefined : connect(this.#target);
    const pair = { socket, broker };
    this.#pairs.add(pair);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#pairs.delete(pair);
      broker?.destroy();
    });
    if (broker === undefined) {
      socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
      return;
    }
    broker.on('error', () => socket.destroy());
    broker.on('close', () => this.#mode === 'open' && socket.destroy());
    socket.on('data', (bytes) => this.#mode === 'open' && broker.write(bytes));
    broker.on('data', (bytes) => {
      if (this.#mode !== 'open') return;
      const passing = bytes.subarray(0, this.#bytesLeft);
      this.#bytesLeft -= passing.length;
      socket.write(passing);
      if (this.#bytesLeft === 0) this.#mode = 'silent';
    });
  }
}
