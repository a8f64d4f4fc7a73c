import { loadCore } from './core.js'
import { inlineCoreInNode } from './inline-node.js'
import { KafkaBase } from './kafka.js'
import type { KafkaOptions } from './options.js'
import { tcp } from './transports/tcp.js'

export * from './public.js'

/** Where clients come from. Brokers are reached straight over TCP, unless the options name a bridge or a transport. */
export class Kafka extends KafkaBase {
  constructor(options: KafkaOptions) {
    super(options, { load: () => loadCore(inlineCoreInNode), transport: (tls) => tcp({ tls: tls ?? false }) })
  }
}
