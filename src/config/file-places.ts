/** Where files are in a store that speaks S3. */
export interface S3Address {
  bucket: string;
  /** Before all names; with a slash at its end where it is not empty. */
  prefix: string;
  region: string;
  /** Where the store is; Amazon's own where absent. */
  endpoint?: string;
}

/** A store of files that a setting names. */
export type FilePlace = { store: 'postgres' } | { store: 'gridfs' } | ({ store: 's3' } & S3Address);

const MEND =
  'must be postgres, gridfs, or s3://bucket/folder?endpoint=https://host:port&region=name (the keys stand in S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY; without endpoint it is Amazon, without region us-east-1)';

/** The rules of S3 for the names of buckets. */
const BUCKET = /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?=\/|\?|$)/;
const FOLDERS = /^(\/[\w.-]+)*\/?$/;
const ENDPOINT = /^https?:\/\/[^\s/?#@]+\/?$/;
const REGION = /^[a-z0-9-]{1,64}$/;

/** @throws Error that completes the sentence "NAME …" and does not repeat the text */
export function parseFilePlace(text: string): FilePlace {
  if (text === 'postgres' || text === 'gridfs') return { store: text };
  const address = s3AddressOf(text);
  if (!address) throw new Error(MEND);
  return { store: 's3', ...address };
}

function s3AddressOf(text: string): S3Address | null {
  if (!BUCKET.test(text) || !URL.canParse(text)) return null;
  const { hostname: bucket, pathname, searchParams, hash } = new URL(text);
  const { endpoint, region = 'us-east-1', ...unknown } = Object.fromEntries(searchParams);
  if (Object.keys(unknown).length > 0 || hash || !FOLDERS.test(pathname)) return null;
  if (!REGION.test(region) || (endpoint !== undefined && !isEndpoint(endpoint))) return null;
  const folder = pathname.replace(/^\/|\/$/g, '');
  return { bucket, prefix: folder && `${folder}/`, region, ...(endpoint && { endpoint }) };
}

const isEndpoint = (text: string): boolean => ENDPOINT.test(text) && URL.canParse(text);
