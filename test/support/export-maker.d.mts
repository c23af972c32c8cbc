export function pieces(mb: number, told: { bytes: number }): Generator<Buffer>;
