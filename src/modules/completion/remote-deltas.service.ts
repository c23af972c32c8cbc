import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Database } from '../../database/database.js';
import { EventDispatcher } from '../../events/event-dispatcher.js';
import { addPieces, type Chunk, type Piece } from './delta-log.js';
import { GenerationHub } from './generation-hub.js';
import { CHUNKS_OF_MANY, type GenerationRow, RUNNING_ELSEWHERE } from './generations.sql.js';

/** As often as pieces are written. */
const LOOK_MS = 250;

interface FollowedChunk extends Chunk {
  [column: string]: unknown;
  generation_id: string;
}

/**
 * Tells those who watch a conversation here the pieces of answers that other instances write, a quarter of a second late. What the writer has not
 * put down when its answer ends is left out: the end, which has the whole answer, is told as an event.
 */
@Injectable()
export class RemoteDeltas implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Answers');
  /** The number of the last piece that was told, for each answer that is followed. */
  private told = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | null = null;

  constructor(
    private readonly database: Database,
    private readonly events: EventDispatcher,
    private readonly hub: GenerationHub,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      if (this.events.hasWatches) void this.run();
    }, LOOK_MS).unref();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  private run(): Promise<void> {
    return (this.looking ??= this.look()
      .catch((error: unknown) => this.logger.debug({ message: 'pieces could not be read', cause: (error as Error).message }))
      .finally(() => (this.looking = null)));
  }

  private async look(): Promise<void> {
    const running = await this.database.query<GenerationRow>(RUNNING_ELSEWHERE, [this.hub.instanceId]);
    const watched = running.filter((row) => this.events.isWatched(row.account_id, row.root_chat_id));
    this.told = new Map(watched.map(({ generation_id: id }) => [id, this.told.get(id) ?? 0]));
    if (watched.length > 0) await this.tell(new Map(watched.map((row) => [row.generation_id, row])));
  }

  private async tell(watched: ReadonlyMap<string, GenerationRow>): Promise<void> {
    const rows = [...watched.values()];
    const values = [rows.map((row) => row.account_id), [...watched.keys()], [...this.told.values()]];
    for (const chunk of await this.database.query<FollowedChunk>(CHUNKS_OF_MANY, values)) {
      const { root_chat_id: rootChatId, response_id: responseId, generation_id: id } = watched.get(chunk.generation_id)!;
      const pieces: Piece[] = [];
      addPieces(pieces, chunk, this.told.get(id)!);
      for (const piece of pieces) this.events.publishDelta({ rootChatId, responseId, ...piece });
      this.told.set(id, pieces.at(-1)?.n ?? this.told.get(id)!);
    }
  }
}
