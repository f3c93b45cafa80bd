"""What was lost on reading becomes findings, one a kind."""

from contracts.checks import CheckContract, judged
from rushes.checks.recording_loss import PLUGIN
from rushes.contracts import RecordingView
from rushes.model import LedgerEntry, Loss


def view(*, ledger=(), losses=()):
    return RecordingView(recording="walk.mcap", ledger=ledger, losses=losses)


class TestRecordingLoss(CheckContract):
    check = PLUGIN

    def test_a_whole_recording_has_no_finding(self):
        whole = LedgerEntry(
            stream="cam", step="read", came_in=10, out=9, merged=1, declared=10, reasons={"same": 1}
        )
        assert judged(PLUGIN, view(ledger=[whole])) == []

    def test_losses_of_a_kind_are_one_finding(self):
        entry = LedgerEntry(stream="rgb", step="read", came_in=723, out=723)
        losses = [
            Loss(code="read.absent-file", message=f"rgb/{at}.png is not there", stream="rgb", count=1)
            for at in range(703)
        ]
        (found,) = judged(PLUGIN, view(ledger=[entry], losses=losses))
        assert found.message == "rgb: rgb/0.png is not there (and 702 more of the kind) [read.absent-file]"
        assert (found.severity, found.stream, found.count) == ("error", "rgb", 703)

    def test_a_small_loss_is_a_warning(self):
        entry = LedgerEntry(stream="rgb", step="read", came_in=1000, out=999, unread=1, reasons={"damaged": 1})
        loss = Loss(code="read.damaged", message="a chunk does not unpack", stream="rgb", count=1)
        (found,) = judged(PLUGIN, view(ledger=[entry], losses=[loss]))
        assert found.severity == "warning"

    def test_a_loss_of_unknown_size_is_an_error_on_the_recording(self):
        (found,) = judged(PLUGIN, view(losses=[Loss(code="read.truncated", message="it ends at byte 4,096")]))
        assert found.message == "walk.mcap: it ends at byte 4,096 [read.truncated]"
        assert (found.severity, found.value, found.unit) == ("error", None, None)

    def test_a_ledger_that_does_not_add_up_is_an_error(self):
        (found,) = judged(PLUGIN, view(ledger=[LedgerEntry(stream="cam", step="read", came_in=10, out=8)]))
        assert found.message == "cam: 10 items went into step 'read', 8 are accounted for"
        assert (found.severity, found.count) == ("error", 2)

    def test_fewer_than_declared_is_told_once(self):
        entry = LedgerEntry(stream="/chatter", step="read", came_in=18, out=18, declared=20)
        (found,) = judged(PLUGIN, view(ledger=[entry]))
        assert found.message == "/chatter: the recording declares 20 samples, 18 are there"
        loss = Loss(code="read.count-mismatch", message="18 of 20", stream="/chatter", count=2)
        assert len(judged(PLUGIN, view(ledger=[entry], losses=[loss]))) == 1

    def test_the_stream_is_named_once(self):
        loss = Loss(code="read.damaged", message="3 messages lost", stream="/imu", count=3)
        (found,) = judged(PLUGIN, view(losses=[loss]))
        assert found.message == "/imu: 3 messages lost [read.damaged]"

    def test_values_that_stay_encoded_are_worth_one_word_a_recording(self):
        books = [
            LedgerEntry(stream=name, step="decode", came_in=50, out=0, unread=50, reasons={"no definition": 50})
            for name in ("/a", "/b")
        ]
        (found,) = judged(PLUGIN, view(ledger=books))
        assert (found.severity, found.count) == ("info", 100)
        assert found.message == (
            "/a: the values of 50 messages stay encoded: no definition, and 50 in 1 more stream"
        )
