"""Training in a notebook: pictures that renew themselves, and the interrupt button."""

from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

from colorify.models import checkpoint

CODE = """
from pathlib import Path
from colorify.data.cache import DataConfig, prepare
from colorify.models.unet import UNetConfig
from colorify.methods import regression
from colorify.training.config import Run
from colorify.methods.regression import RegressionConfig

sets = prepare(DataConfig(({photos!r},), valid_share=0.3, side=40, min_side=32), Path({cache!r}))
numbers = dict(batch=2, sizes=((0.0, 32),), valid_every=3, grid_every=2, steps=100_000)
config = RegressionConfig(network=UNetConfig("resnet18", (16, 16, 8, 8)), **numbers)
regression.METHOD.train(config, *sets, Run({out!r})).name
"""


def interrupted(client, manager, code: str, updates: int) -> tuple[int, list[str]]:
    """Run a cell and press the button after so many pictures took an earlier one's place: places, what it says."""
    asked, places, said = client.execute(code), set(), []
    while True:
        message = client.get_iopub_msg(timeout=120)
        if message["parent_header"].get("msg_id") != asked:
            continue
        content = message["content"]
        if "image/png" in content.get("data", {}):
            places.add(content["transient"]["display_id"])
            updates -= message["msg_type"] == "update_display_data"
            if updates == 0:
                manager.interrupt_kernel()
                updates = -1_000_000
        assert message["msg_type"] != "error", content
        if message["msg_type"] == "execute_result":
            said.append(content["data"]["text/plain"])
        if message["msg_type"] == "status" and content["execution_state"] == "idle":
            return len(places), said


@pytest.mark.long
def test_pictures_renew_themselves_and_the_interrupt_button_loses_nothing(photos, tmp_path):
    code = CODE.format(photos=str(photos), cache=str(tmp_path / "cache"), out=str(tmp_path / "out"))
    state = Path(tmp_path, "out", "state.safetensors")
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
    try:
        steps = []
        for _ in range(2):
            places, said = interrupted(client, manager, code, 4)
            assert places == 2 and said == ["'state.safetensors'"], "one grid and one chart"
            steps.append(checkpoint.load(state, with_state=True).training["step"])
        assert 6 <= steps[0] < steps[1] < 1000
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
