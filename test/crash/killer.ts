import { setTimeout as sleep } from 'node:timers/promises';
import type { History } from './history.js';
import type { Instance } from './instance.js';
import type { Random } from './random.js';

/** How long an armed instance has to reach its failpoint under load. */
const REACH_MS = 8000;
/**
 * How often each place is tried on a machine that is too slow to reach them all in the given time.
 */
const TURNS_MAX = 3;

export interface KillPlan {
  instances: readonly Instance[];
  /** Named places to die at, in turn, until all of them had a death and the time is over. */
  failpoints: readonly string[];
  history: History;
  random: Random;
  isOver: () => boolean;
}

/**
 * Kills instances until the time is over, and then starts what is dead. In each turn one instance
 * dies twice, at any moment and at a named place, and sometimes the other one dies beside it, so
 * that for a while nobody is there.
 */
export async function killInstances(plan: KillPlan): Promise<void> {
  const reached = new Set<string>();
  const everyPlaceHadItsDeath = (): boolean => reached.size === plan.failpoints.length;
  for (
    let turn = 0;
    !plan.isOver() || (!everyPlaceHadItsDeath() && turn < TURNS_MAX * plan.failpoints.length);
    turn++
  ) {
    const place =
      plan.failpoints.find((name) => !reached.has(name)) ?? plan.random.pick(plan.failpoints);
    const victim = plan.instances[turn % plan.instances.length]!;
    await sleep(plan.random.between(100, 1200));
    await kill(plan, victim);
    await revive(plan, victim, place);
    const others = plan.instances.filter(
      (instance) => instance !== victim && plan.random.chance(0.5),
    );
    const [died] = await Promise.all([
      diesAt(plan, victim, place),
      ...others.map((other) => killAtRandom(plan, other)),
    ]);
    if (died) reached.add(place);
    await Promise.all(
      plan.instances
        .filter(({ isRunning }) => !isRunning)
        .map((instance) => revive(plan, instance)),
    );
  }
}

async function revive(
  { history }: KillPlan,
  instance: Instance,
  failpoint?: string,
): Promise<void> {
  history.counts.starts++;
  await instance.start(failpoint);
}

/**
 * Waits until the armed instance dies at `place`; one that does not get there in time is killed.
 */
async function diesAt(plan: KillPlan, instance: Instance, place: string): Promise<boolean> {
  const { history } = plan;
  const died = await instance.diesWithin(REACH_MS);
  if (!died) {
    history.note(`${instance.name} did not reach ${place}`);
    await kill(plan, instance);
    return false;
  }
  history.counts.kills++;
  history.failpoints.set(place, (history.failpoints.get(place) ?? 0) + 1);
  history.note(`${instance.name} died at ${place}`);
  return true;
}

async function killAtRandom(plan: KillPlan, instance: Instance): Promise<void> {
  await sleep(plan.random.between(0, 1500));
  await kill(plan, instance);
}

async function kill({ history }: KillPlan, instance: Instance): Promise<void> {
  if (!instance.isRunning) return;
  await instance.kill();
  history.counts.kills++;
  history.note(`${instance.name} was killed`);
}
