import type { OpenAPIObject } from '@nestjs/swagger';

export type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
export type Responses = Operation['responses'];
export type Response = Extract<NonNullable<Responses[string]>, { description: string }>;
export type Parameter = Extract<NonNullable<Operation['parameters']>[number], { in: string }>;
export type Components = NonNullable<OpenAPIObject['components']>;
export type Schema = Extract<NonNullable<Components['schemas']>[string], { type?: unknown }>;

/** One operation of the document, with where it is. */
export interface OperationPlace {
  /** In capitals. */
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

/** All operations, in the order of the document. */
export function placesOf(document: OpenAPIObject): OperationPlace[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation ? [{ method: method.toUpperCase(), path, operation }] : [];
    }),
  );
}

/**
 * Takes a note out of an operation that a decorator left there (`common/api-problems.ts`,
 * `common/api-headers.ts`).
 */
export function takeNote<Note>(operation: Operation, name: string): Note | undefined {
  const notes = operation as unknown as Record<string, Note | undefined>;
  const note = notes[name];
  delete notes[name];
  return note;
}

export const isReference = (value: object): value is { $ref: string } => '$ref' in value;

/** The response of a status, which must not be a reference. */
export function responseOf({ responses }: Operation, status: number | string): Response | null {
  const response = responses[status];
  return response && !isReference(response) ? response : null;
}

/** The answer to a request that did what it should. */
export function successOf(operation: Operation): Response | null {
  const status = Object.keys(operation.responses).find((one) => one.startsWith('2'));
  return status === undefined ? null : responseOf(operation, status);
}
