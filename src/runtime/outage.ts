/** Says that something is away, once for each outage. */
export class Outage {
  private isOpen = false;

  constructor(private readonly say: (cause: string) => void) {}

  begin(error: unknown): void {
    if (!this.isOpen) this.say(error instanceof Error ? error.message : String(error));
    this.isOpen = true;
  }

  end(): void {
    this.isOpen = false;
  }
}
