import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { getMetadataStorage } from 'class-validator';
import ts from 'typescript';
import { CreateResponseDto } from './create-response.dto.js';
import { COMPLETION_FIELDS, type Fates, RESPONSE_FIELDS } from './field-fates.js';
import { CreateChatCompletionDto } from './openai.dto.js';

const TYPES = new URL('../../../node_modules/openai/resources/', import.meta.url);

/** The fields of an interface in the types of the package, as it is installed. */
function fieldsOf(file: string, name: string): string[] {
  const text = readFileSync(new URL(file, TYPES), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  const found = source.statements.find(
    (node): node is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(node) && node.name.text === name,
  );
  return found!.members.map((member) => (member.name as ts.Identifier).text);
}

const checked = (dto: new () => object): Set<string> =>
  new Set(
    getMetadataStorage()
      .getTargetValidationMetadatas(dto, '', false, false)
      .map(({ propertyName }) => propertyName),
  );

describe.each<[string, Fates, new () => object, string, string, string[]]>([
  [
    'responses',
    RESPONSE_FIELDS,
    CreateResponseDto,
    'responses/responses.d.ts',
    'ResponseCreateParamsBase',
    // Of the specification of Open Responses; the package has not these.
    ['frequency_penalty', 'presence_penalty', 'seed'],
  ],
  [
    'completions',
    COMPLETION_FIELDS,
    CreateChatCompletionDto,
    'chat/completions/completions.d.ts',
    'ChatCompletionCreateParamsBase',
    [],
  ],
])('the fields of %s', (_, fates, dto, file, name, besides) => {
  it('that OpenAI’s package knows all have a fate, and no others', () => {
    expect(Object.keys(fates).sort()).toEqual([...fieldsOf(file, name), ...besides].sort());
  });

  it('are all read, and no others', () => {
    expect([...checked(dto)].sort()).toEqual(Object.keys(fates).sort());
  });
});
