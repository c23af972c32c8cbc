import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Busboy, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Faults } from './faults.js';
import { Problem, problems } from './problems.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** This route reads a `multipart/form-data` body itself, as it comes. */
    takesForm?: boolean;
  }
}

/** A file on its way. */
export interface Upload {
  bytes: Readable;
  /** As the client calls it, without folders; null where it says nothing. */
  name: string | null;
}

export interface FormRules {
  /** The fields that may come besides `file`; the first of a name counts. */
  fields?: readonly string[];
}

export interface Form<Taken> {
  /** Null where there was no file. */
  file: Taken | null;
  fields: Readonly<Record<string, string>>;
  /** What is wrong with it. Told by the caller, who has the file by then and must let go of it. */
  faults: Faults;
}

const FIELD_BYTES_MAX = 4096;
/** A file too many is told by name. */
const LIMITS = { files: 2, fields: 20, parts: 30, fieldSize: FIELD_BYTES_MAX, headerPairs: 100 };

/** Lets forms through to the routes that take them; all others answer 415. */
export function letFormsIn(fastify: FastifyInstance): void {
  fastify.addContentTypeParser('multipart/form-data', (request, _payload, done) => {
    done(request.routeOptions.config.takesForm ? null : problems.unsupportedMediaType());
  });
}

/**
 * Reads a form (RFC 7578) with one `file`: `take` is given it while it comes, and waited for. The
 * form is read no faster than that.
 * @throws unsupported_media_type; invalid_request for a form that is broken or cut; what `take`
 * throws, and then the rest of the body is not read
 */
export async function readForm<Taken>(
  { raw, deadline }: FastifyRequest,
  rules: FormRules,
  take: (upload: Upload) => Promise<Taken>,
): Promise<Form<Taken>> {
  // How fast a body comes is up to its client.
  deadline?.pause();
  try {
    return await new FormReader(raw, rules, take).read();
  } finally {
    deadline?.resume();
  }
}

class FormReader<Taken> {
  private readonly fields: Record<string, string> = {};
  private readonly faults = new Faults();
  private readonly form: BusboyInstance;
  private taking: Promise<Taken> | null = null;
  private incoming: Readable | null = null;

  constructor(
    private readonly raw: IncomingMessage,
    private readonly rules: FormRules,
    private readonly take: (upload: Upload) => Promise<Taken>,
  ) {
    this.form = formOf(raw);
  }

  async read(): Promise<Form<Taken>> {
    const { raw, form, fields, faults } = this;
    form.on('field', (name, value, _cut, isCut) => this.addField(name, value, isCut));
    try {
      await new Promise<void>((resolve, reject) => {
        form.on('file', (name, bytes, fileName) => this.addFile(name, bytes, fileName, reject));
        form.once('finish', resolve).on('error', (error: Error) => reject(broken(error)));
        raw.once('close', () => raw.complete || reject(broken(new Error('it was cut off'))));
        raw.pipe(form);
      });
      const file = await this.taking;
      if (this.taking === null) faults.add('file', 'must be given, as a file of the form');
      return { file, fields, faults };
    } catch (error) {
      raw.unpipe(form);
      this.incoming?.destroy(error as Error);
      // Where the file was refused, the form is cut by that.
      const refusal = await this.taking?.then(
        () => null,
        (reason: unknown) => reason,
      );
      throw refusal instanceof Problem ? refusal : error;
    }
  }

  private addField(name: string, value: string, isCut: boolean): void {
    if (isCut) this.faults.add(name, `must have at most ${FIELD_BYTES_MAX} bytes`);
    if (this.rules.fields?.includes(name)) this.fields[name] ??= value;
    else this.faults.addUnknown([name]);
  }

  private addFile(
    name: string,
    bytes: Readable,
    fileName: string | undefined,
    fail: (error: Error) => void,
  ): void {
    if (name === 'file' && this.taking === null) {
      bytes.on('error', (error) => fail(broken(error)));
      bytes.once('close', () => bytes.readableEnded || this.raw.unpipe(this.form));
      this.incoming = bytes;
      this.taking = this.take({ bytes, name: fileName || null });
      this.taking.catch(fail);
      return;
    }
    bytes.resume();
    if (name === 'file') this.faults.add('file', 'must be one file');
    else this.faults.addUnknown([name]);
  }
}

function formOf({ headers }: IncomingMessage): BusboyInstance {
  if (!/^multipart\/form-data *;/i.test(headers['content-type'] ?? '')) throw noForm();
  try {
    return new Busboy({
      headers: headers as BusboyHeaders,
      limits: LIMITS,
      isPartAFile: (field, type, name) =>
        name !== undefined || field === 'file' || type === 'application/octet-stream',
    });
  } catch (error) {
    throw broken(error as Error);
  }
}

/** For what comes to a route that takes forms alone. */
export const noForm = (): Problem =>
  problems.unsupportedMediaType({ detail: 'Send a form: Content-Type: multipart/form-data.' });

/** What goes wrong with a form itself, and not with what becomes of its file. */
const broken = (error: Error): Problem =>
  error instanceof Problem
    ? error
    : problems.invalidRequest({ detail: `The form cannot be read: ${error.message}.` });
