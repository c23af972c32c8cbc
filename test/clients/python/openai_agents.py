from agents import (
    Agent, OpenAIConversationsSession, OpenAIProvider, RunConfig, Runner, function_tool, set_tracing_disabled,
)
from openai import AsyncOpenAI
from pydantic import BaseModel

from flows import BASE, COUNT, FAIL, FILE_SEEN, PNG, TEXT_FILE, TOKEN, check, includes, run, thrown_by

set_tracing_disabled(True)
client = AsyncOpenAI(base_url=f"{BASE}/v1", api_key=TOKEN, max_retries=0)
config = RunConfig(model_provider=OpenAIProvider(openai_client=client), tracing_disabled=True)


class Place(BaseModel):
    city: str


@function_tool
def weather(city: str) -> str:
    """The weather."""
    return "sunny"


def agent(**more):
    return Agent(name="A", model="fake-1", **more)


async def say(said, who=None, **more):
    return await Runner.run(who or agent(), said, run_config=config, **more)


def user(*content):
    return [{"role": "user", "content": list(content)}]


def text(said):
    return {"type": "input_text", "text": said}


async def plain():
    includes((await say("Hello")).final_output, "You said: Hello")


async def stream():
    told = ""
    answer = Runner.run_streamed(agent(), "Hello", run_config=config)
    async for event in answer.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            told += event.data.delta
    includes(told, "You said: Hello")


async def many_turns():
    first = await say("One")
    second = await say(first.to_input_list() + user(text("Two")))
    includes((await say(second.to_input_list() + user(text(COUNT)))).final_output, "3 questions")


async def tools():
    includes((await say("Weather?", agent(tools=[weather]))).final_output, "sunny")


async def structured():
    found = (await say("Where?", agent(output_type=Place))).final_output
    check(found.city == "Paris", "should keep to the schema", found)


async def picture():
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"}
    includes((await say(user(image, text("See?")))).final_output, "1 image_url")


async def file():
    data = f"data:text/plain;base64,{TEXT_FILE}"
    part = {"type": "input_file", "filename": "trees.txt", "file_data": data}
    includes((await say(user(part, text("Read it")))).final_output, FILE_SEEN)


async def branch():
    root = (await say("Root")).last_response_id
    await say("Left", previous_response_id=root)
    right = (await say("Right", previous_response_id=root)).last_response_id
    includes((await say(COUNT, previous_response_id=right)).final_output, "3 questions")


async def session():
    kept = OpenAIConversationsSession(openai_client=client)
    await say("One", session=kept)
    includes((await say(COUNT, session=kept)).final_output, "2 questions")
    check(len(await kept.get_items()) == 4, "should have four items", await kept.get_items())
    await kept.pop_item()
    check(len(await kept.get_items()) == 3, "should take an item back")


async def error():
    failed = await thrown_by(say(FAIL))
    check(getattr(failed, "status_code", 0) >= 500, "should be an HTTP error", failed)


run({
    "plain": plain, "stream": stream, "many turns": many_turns, "tools": tools,
    "structured": structured, "picture": picture, "file": file, "branch": branch,
    "session": session, "error": error, "resume": "resumes no stream",
    "cancel": "ends a stream by closing it alone",
})
