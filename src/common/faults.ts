import { FAULTS_NAMED_MAX, type FieldError, problems } from './problems.js';

/** What is wrong with a request. Counts all faults that are found, and keeps the first ones. */
export class Faults {
  private readonly named: FieldError[] = [];
  private total = 0;

  add(path: string, message: string): void {
    this.total++;
    if (this.named.length < FAULTS_NAMED_MAX) this.named.push({ path, message });
  }

  /** Fields that nobody knows. */
  addUnknown(names: readonly string[], prefix = ''): void {
    const room = FAULTS_NAMED_MAX - this.named.length;
    for (const name of names.slice(0, room))
      this.named.push({ path: prefix + name, message: 'there is no such field; leave it out' });
    this.total += names.length;
  }

  /** Whether a long list need not be read to its end. */
  get areEnough(): boolean {
    return this.total > FAULTS_NAMED_MAX;
  }

  /** @throws validation_failed when there are any */
  throwIfAny(): void {
    if (this.total > 0)
      throw problems.validation({
        errors: this.named,
        errors_more: this.total - this.named.length,
      });
  }
}
