import { Admin } from './admin.js'
import type { Host } from './client.js'
import { Consumer } from './consumer.js'
import { type AdminOptions, type ConsumerOptions, kafkaLayers, type KafkaOptions, type Layer, type ProducerOptions, settings } from './options.js'
import { Producer } from './producer.js'

/** Makes clients which share options. Opens nothing itself. */
export class KafkaBase {
  readonly #layers: readonly Layer[]
  readonly #host: Host

  /** @internal */
  constructor(options: KafkaOptions, host: Host) {
    this.#layers = kafkaLayers(options, host.transport !== undefined)
    this.#host = host
    // Begun early so that it is there when it is needed; whoever needs it gets the error, too.
    host.load().catch(() => {})
  }

  /** A client that writes records. */
  producer(options: ProducerOptions = {}): Producer {
    return new Producer(this.#host, settings('producer', this.#layers, options))
  }

  /** A client that reads records. */
  consumer(options: ConsumerOptions = {}): Consumer {
    return new Consumer(this.#host, settings('consumer', this.#layers, options))
  }

  /** A client that manages topics and settings. */
  admin(options: AdminOptions = {}): Admin {
    return new Admin(this.#host, settings('admin', this.#layers, options))
  }
}
