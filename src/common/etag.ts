import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { problems } from './problems.js';

/** The strong entity tag (RFC 9110, 8.8.3) of a revision. */
export const etagOf = (revision: number | string): string => `"${revision}"`;

/**
 * What `If-Match` asks for: null = nothing, `*` = any, else the tags of which one must be the
 * current one.
 */
export type IfMatch = readonly string[] | '*' | null;

const tagsOf = (header: string): string[] => header.split(',').map((tag) => tag.trim());

/** The parsed `If-Match` of the request. */
export const ReadIfMatch = createParamDecorator(
  (_: unknown, context: ExecutionContext): IfMatch => {
    const header = context.switchToHttp().getRequest<FastifyRequest>().headers['if-match'];
    if (header === undefined) return null;
    return header.trim() === '*' ? '*' : tagsOf(header);
  },
);

/**
 * @param state of the tree, where a tag of that will do as well
 * @throws 412 with the current revision when `ifMatch` asks for another one. Weak tags never match
 * (RFC 9110, 13.1.1).
 */
export function assertMatches(ifMatch: IfMatch, revision: number, state?: string): void {
  if (ifMatch === null || ifMatch === '*' || ifMatch.includes(etagOf(revision))) return;
  if (state !== undefined && ifMatch.includes(etagOf(state))) return;
  throw problems.revisionStale({ revision, headers: { etag: etagOf(revision) } });
}

/**
 * Whether `If-None-Match` names the current tag; there weak comparison holds (RFC 9110, 13.1.2).
 */
export function noneMatches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === '*' || tagsOf(header).some((tag) => tag.replace(/^W\//, '') === etag);
}
