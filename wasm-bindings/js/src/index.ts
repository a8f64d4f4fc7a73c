import { loadCore } from './core.js'
import { inlineCore } from './inline.js'
import { KafkaBase } from './kafka.js'
import type { KafkaOptions } from './options.js'

export * from './public.js'

/** Where clients come from. In browsers brokers are reached through a WebSocket bridge. */
export class Kafka extends KafkaBase {
  constructor(options: KafkaOptions) {
    super(options, { load: () => loadCore(inlineCore) })
  }
}
