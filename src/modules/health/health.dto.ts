/** The process runs. */
export class LivenessDto {
  status!: 'ok';
}

/** State of one store. */
export class StoreStateDto {
  /** `up` when it answered within two seconds; `refusing` when it answers, but takes no writes. */
  status!: 'up' | 'down' | 'refusing';

  /** Why writes are refused. */
  detail?: string;

  /**
   * `embedded`: started by this server; `external`: named by a setting; `memory`: kept in this
   * process.
   */
  mode!: 'embedded' | 'external' | 'memory';
}

/** State of the store of the words. */
export class ContentStateDto extends StoreStateDto {
  /** Which database holds the words. */
  kind!: 'mongo' | 'postgres';
}

export class StoresDto {
  postgres!: StoreStateDto;
  content!: ContentStateDto;
  redis!: StoreStateDto;

  /** Where the bytes of files are, if that is S3. */
  files?: StoreStateDto;
}

/** Whether requests should be sent here. */
export class ReadinessDto {
  /**
   * `degraded`: works, but the words may come late, sessions may be forgotten, or a store takes no
   * writes. `unavailable` and `draining` go with status 503.
   */
  status!: 'ready' | 'degraded' | 'unavailable' | 'draining';

  stores!: StoresDto;
}

export class VersionDto {
  name!: string;
  version!: string;

  /** Version of Node.js. */
  node!: string;

  /** The git commit of the image, when it is known. */
  commit?: string;
}
