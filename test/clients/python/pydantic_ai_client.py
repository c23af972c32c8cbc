import base64

from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

from flows import BASE, COUNT, FAIL, FILE_SEEN, PNG, TEXT_FILE, TOKEN, check, includes, run, thrown_by

client = AsyncOpenAI(base_url=f"{BASE}/v1", api_key=TOKEN, max_retries=0)
provider = OpenAIProvider(openai_client=client)
MODELS = [OpenAIChatModel("fake-1", provider=provider), OpenAIResponsesModel("fake-1", provider=provider)]


class Place(BaseModel):
    city: str


def each(work):
    async def both():
        for model in MODELS:
            await work(model)

    return both


async def plain(model):
    includes((await Agent(model).run("Hello")).output, "You said: Hello")


async def stream(model):
    async with Agent(model).run_stream("Hello") as answer:
        includes(await answer.get_output(), "You said: Hello")


async def many_turns(model):
    agent, history = Agent(model), []
    for question in ["One", "Two", COUNT]:
        answer = await agent.run(question, message_history=history)
        history = answer.all_messages()
    includes(answer.output, "3 questions")


async def tools(model):
    agent = Agent(model)

    @agent.tool_plain
    def weather(city: str) -> str:
        """The weather."""
        return "sunny"

    includes((await agent.run("Weather?")).output, "sunny")


async def structured(model):
    found = (await Agent(model, output_type=NativeOutput(Place)).run("Where?")).output
    check(found.city == "Paris", "should keep to the schema", found)


def see(data, media_type, what):
    async def work(model):
        file = BinaryContent(data=base64.b64decode(data), media_type=media_type)
        includes((await Agent(model).run(["See?", file])).output, what)

    return each(work)


async def branch():
    agent = Agent(MODELS[1])
    ask = lambda said, root: agent.run(said, model_settings={"openai_previous_response_id": root})
    root = (await agent.run("Root")).response.provider_response_id
    await ask("Left", root)
    right = (await ask("Right", root)).response.provider_response_id
    includes((await ask(COUNT, right)).output, "3 questions")


async def error(model):
    failed = await thrown_by(Agent(model).run(FAIL))
    check(getattr(failed, "status_code", 0) >= 500, "should be an HTTP error", failed)


run({
    "plain": each(plain), "stream": each(stream), "many turns": each(many_turns), "tools": each(tools),
    "structured": each(structured),
    "picture": see(PNG, "image/png", "1 image_url"),
    "file": see(base64.b64encode(b"%PDF-1.4 " + TEXT_FILE.encode()).decode(), "application/pdf", FILE_SEEN),
    "branch": branch,
    "session": "has no sessions of its own",
    "error": each(error),
    "resume": "resumes no stream",
    "cancel": "ends a stream by closing it alone",
})
