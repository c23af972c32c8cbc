import { activate, createBranch, createChat } from '../api/banyan';
import { call } from '../api/http';
import type { Pair } from '../api/types';

/** Questions with their answers, and branches behind the n-th of them. */
interface Line {
  name: string;
  pairs: [question: string, response: string][];
  branches?: { behind: number; line: Line }[];
}

const TRIP: Line = {
  name: 'Midnight sun: where to go?',
  pairs: [
    [
      'Where can I see the midnight sun?',
      'Anywhere **north of the Arctic Circle** in early summer. Three good places:\n\n| place | sun never sets |\n|---|---|\n| Tromsø, Norway | 20 May – 22 July |\n| Abisko, Sweden | 25 May – 18 July |\n| Nordkapp, Norway | 14 May – 29 July |',
    ],
    [
      'I have one week in June. What would you do?',
      'Fly to Tromsø, take the bus to Senja for three days of hiking, and come back for the last two.',
    ],
    [
      'How do I find out when the sun is lowest?',
      'It stands lowest at *solar midnight*. In Tromsø that is about 00:45 summer time:\n\n```python\nfrom datetime import timedelta\n\ndef solar_midnight(longitude, utc_offset=2):\n    return timedelta(hours=utc_offset - longitude / 15) % timedelta(days=1)\n\nprint(solar_midnight(18.96))  # 0:44:10\n```',
    ],
  ],
  branches: [
    {
      behind: 1,
      line: {
        name: 'Cheaper: Abisko by train',
        pairs: [
          [
            'I do not want to fly. Can I get there by train?',
            'Yes: the night train from Stockholm to **Abisko** takes 17 hours, and the national park begins at the station.',
          ],
          [
            'What does a week cost?',
            'About 600 € with a hut each night: train 150 €, huts 300 €, food 150 €.',
          ],
        ],
        branches: [
          {
            behind: 1,
            line: {
              name: 'With a tent',
              pairs: [
                [
                  'And with a tent?',
                  'Then about 350 €. Wild camping is allowed in Sweden; inside the park only near the huts.',
                ],
              ],
            },
          },
        ],
      },
    },
    {
      behind: 2,
      line: {
        name: 'With two children',
        pairs: [
          [
            'We are two adults and two children of 6 and 9.',
            'Stay in one place then: a cabin on Senja, short walks, a boat trip to the puffins of Bleik.',
          ],
        ],
      },
    },
  ],
};

/** A conversation to look at; answers its chat. */
export async function makeDemo(): Promise<string> {
  const { chat_id } = await createChat({ name: TRIP.name });
  await fill(chat_id, TRIP);
  await activate(chat_id, chat_id);
  return chat_id;
}

async function fill(chatId: string, { pairs, branches = [] }: Line): Promise<void> {
  const ids: string[] = [];
  for (const [question, response] of pairs) {
    const { response_id } = await call<Pair>('POST', `/chats/${chatId}/messages`, {
      question,
      response,
    });
    ids.push(response_id);
  }
  for (const { behind, line } of branches) {
    const branch = await createBranch(chatId, ids[behind - 1]!, line.name);
    await fill(branch.chat_id, line);
  }
}
