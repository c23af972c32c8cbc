/** Tells the bench where this server listens, and ends with it, however it ends. */
export function ready(port: number): void {
  process.on('disconnect', () => process.exit());
  process.on('SIGINT', () => {}); // Ctrl-C reaches the whole group; the bench ends us
  process.send!({ port });
}
