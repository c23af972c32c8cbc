import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { invalidField } from './problems.js';

/** A path parameter that is a whole number; which ones exist is another question. */
@Injectable()
export class WholeNumberPipe implements PipeTransform<string, number> {
  transform(value: string, { data = 'id' }: ArgumentMetadata): number {
    if (!/^-?\d+$/.test(value)) throw invalidField(data, 'must be a whole number');
    return Number(value);
  }
}
