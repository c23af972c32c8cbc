import { setTimeout as sleep } from 'node:timers/promises';
import type { History } from './history.js';
import type { Instance } from './instance.js';
import type { Random } from './random.js';
import { stopwatch } from '../support/machine-clock.js';

/** What is acknowledged while an instance lives, before it is killed at any moment. */
const POSTS_TO_LOSE = 30;
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
 * Kills instances until the time is over, each by itself: it lives for a while, dies at any moment,
 * comes back to die at a named place, sometimes again as soon as it is back, and is started anew.
 * Sometimes both are dead, so that for a while nobody is there.
 */
export async function killInstances(plan: KillPlan): Promise<void> {
  const places = new Places(plan);
  await Promise.all(
    plan.instances.map(async (instance) => {
      const random = plan.random.fork();
      while (!places.areOver) {
        await somethingIsToLose(plan);
        await sleep(random.between(0, 1000));
        await kill(plan, instance);
        do await dieAtAPlace(plan, instance, places);
        while (!places.areOver && random.chance(0.5));
        await revive(plan, instance);
      }
    }),
  );
}

/** However slow the machine is. */
async function somethingIsToLose({ history: { counts } }: KillPlan): Promise<void> {
  const enough = counts.acknowledged + POSTS_TO_LOSE;
  for (const ran = stopwatch(); counts.acknowledged < enough; await sleep(20))
    if (ran() > REACH_MS) return;
}

/** The named places of a run, and where somebody is on the way to one. */
class Places {
  private readonly left: Set<string>;
  private turns = 0;

  constructor(private readonly plan: KillPlan) {
    this.left = new Set(plan.failpoints);
  }

  /** Of those that are left somebody else may be on the way to the last. */
  get areOver(): boolean {
    const { failpoints, isOver } = this.plan;
    return isOver() && (this.left.size === 0 || this.turns >= TURNS_MAX * failpoints.length);
  }

  /** One that had no death yet, where there is one that nobody is on the way to. */
  take(): string {
    this.turns++;
    const [place = this.plan.random.pick(this.plan.failpoints)] = this.left;
    this.left.delete(place);
    return place;
  }

  giveBack(place: string): void {
    this.left.add(place);
  }
}

async function dieAtAPlace(plan: KillPlan, instance: Instance, places: Places): Promise<void> {
  const place = places.take();
  await revive(plan, instance, place);
  if (!(await diesAt(plan, instance, place)) && !plan.history.failpoints.has(place))
    places.giveBack(place);
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

async function kill({ history }: KillPlan, instance: Instance): Promise<void> {
  if (!instance.isRunning) return;
  await instance.kill();
  history.counts.kills++;
  history.note(`${instance.name} was killed`);
}
