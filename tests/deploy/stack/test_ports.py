import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.errors import StackError
from deploy.stack.ports import chosen_ports, is_free, random_ports, remember_ports, remembered_ports

NAMES = {"kafka": None, "elasticsearch": None}


def all_free(_port: int) -> bool:
    return True


def test_given_port_wins_over_the_remembered_one() -> None:
    chosen = chosen_ports(NAMES | {"kafka": 9092}, {"kafka": 1, "elasticsearch": 2}, all_free, [3])
    assert chosen == {"kafka": 9092, "elasticsearch": 2}


def test_remembered_port_is_taken_again_only_if_free() -> None:
    chosen = chosen_ports(NAMES, {"kafka": 1, "elasticsearch": 2}, lambda port: port != 1, [1, 2, 3, 4])
    assert chosen == {"kafka": 3, "elasticsearch": 2}


def test_given_port_that_is_taken_is_refused_with_a_sentence() -> None:
    with pytest.raises(StackError, match=r"^port 9092 for kafka is taken by another program: choose another"):
        chosen_ports({"kafka": 9092}, {}, lambda port: port != 9092, [1])


def test_two_servers_cannot_be_given_one_port() -> None:
    with pytest.raises(StackError, match="port 9092 for elasticsearch is taken"):
        chosen_ports({"kafka": 9092, "elasticsearch": 9092}, {}, all_free, [])


def test_no_free_port() -> None:
    with pytest.raises(StackError, match="no free port was found for"):
        chosen_ports(NAMES, {}, lambda _port: False, [1, 2])


@given(
    remembered=st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(1, 6)),
    taken=st.sets(st.integers(1, 6)),
)
def test_ports_are_free_and_all_different(remembered: dict[str, int], taken: set[int]) -> None:
    names = {"a": None, "b": None, "c": None}
    chosen = chosen_ports(names, remembered, lambda port: port not in taken, range(1, 20))
    assert chosen.keys() == names.keys()
    assert len(set(chosen.values())) == 3
    assert not taken & set(chosen.values())


def test_a_listener_makes_a_port_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_random_ports_differ() -> None:
    ports = random_ports()
    assert len(set(ports)) == len(ports)


def test_ports_are_remembered_beside_those_of_others(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    remember_ports(file, {"kafka": 1, "kafka_controller": 2})
    remember_ports(file, {"elasticsearch": 3, "kafka": 4})
    assert remembered_ports(file) == {"kafka": 4, "kafka_controller": 2, "elasticsearch": 3}


@pytest.mark.parametrize("content", ["", "[1]", "{", '{"kafka": "x"}'])
def test_a_spoilt_file_remembers_nothing(tmp_path: Path, content: str) -> None:
    file = tmp_path / "ports.json"
    file.write_text(content)
    assert remembered_ports(file) == {}
