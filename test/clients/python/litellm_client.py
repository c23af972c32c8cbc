import json

import litellm
from pydantic import BaseModel

from flows import BASE, COUNT, FAIL, FILE_SEEN, PNG, TEXT_FILE, TOKEN, WEATHER, check, includes, run, thrown

litellm.suppress_debug_info = True
HOW = {"model": "openai/fake-1", "api_base": f"{BASE}/v1", "api_key": TOKEN, "max_retries": 0, "num_retries": 0}


class Place(BaseModel):
    city: str


def complete(*messages, **more):
    return litellm.completion(messages=list(messages), **HOW, **more)


def respond(said, **more):
    return litellm.responses(input=said, **HOW, **more)


def user(content):
    return {"role": "user", "content": content}


def text_of(completion):
    return completion.choices[0].message.content


def output_text(response):
    return "".join(
        part.text for item in response.output if item.type == "message" for part in item.content
    )


def plain():
    includes(text_of(complete(user("Hello"))), "You said: Hello")
    includes(output_text(respond("Hello")), "You said: Hello")


def stream():
    chunks = complete(user("Hello"), stream=True)
    includes("".join(c.choices[0].delta.content or "" for c in chunks if c.choices), "You said: Hello")


def many_turns():
    messages = []
    for question in ["One", "Two", COUNT]:
        messages.append(user(question))
        messages.append({"role": "assistant", "content": text_of(complete(*messages))})
    includes(messages[-1]["content"], "3 questions")


def tools():
    weather = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}]
    asked = complete(user("Weather?"), tools=weather).choices[0].message
    result = {"role": "tool", "tool_call_id": asked.tool_calls[0].id, "content": "sunny"}
    includes(text_of(complete(user("Weather?"), asked.model_dump(), result, tools=weather)), "sunny")


def structured():
    found = json.loads(text_of(complete(user("Where?"), response_format=Place)))
    check(found["city"] == "Paris", "should keep to the schema", found)


def see(part, what):
    return lambda: includes(text_of(complete(user([{"type": "text", "text": "See?"}, part]))), what)


def branch():
    root = respond("Root").id
    respond("Left", previous_response_id=root)
    right = respond("Right", previous_response_id=root).id
    includes(output_text(respond(COUNT, previous_response_id=right)), "3 questions")


def error():
    failed = thrown(lambda: complete(user(FAIL)))
    check(getattr(failed, "status_code", 0) >= 500, "should be an HTTP error", failed)


run({
    "plain": plain, "stream": stream, "many turns": many_turns, "tools": tools, "structured": structured,
    "picture": see({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}, "1 image_url"),
    "file": see(
        {"type": "file", "file": {"file_data": f"data:text/plain;base64,{TEXT_FILE}", "filename": "a.txt"}},
        FILE_SEEN,
    ),
    "branch": branch,
    "session": "has no sessions of its own",
    "error": error,
    "resume": "resumes no stream",
    "cancel": "ends a stream by closing it alone",
})
