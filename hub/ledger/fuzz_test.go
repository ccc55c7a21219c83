package ledger_test

import (
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/ledger"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/protocoltest"
)

// FuzzOpen reads what somebody sends as a device's receipts: only the device's own are
// taken, in the order in which it signed them.
func FuzzOpen(f *testing.F) {
	w := protocoltest.NewWorld(f)
	f.Add(protocoltest.Encode(f, w.Batch(f)), false)
	f.Add(protocoltest.Encode(f, w.Batch(f)), true)
	key := func(device protocol.DeviceID) ed25519.PublicKey {
		return w.Devices[device].Key().Public
	}
	f.Fuzz(func(t *testing.T, b []byte, other bool) {
		by := protocoltest.Speaker
		if other {
			by = "loa-doai"
		}
		// Beside it, the checking of a signature.
		protocoltest.HoldMemoryBeside(t, "receipts", len(b), 16<<10, func() { _, _ = ledger.Open(protocoltest.Speaker, key(by), b, time.Time{}) })
		got, err := ledger.Open(protocoltest.Speaker, key(by), b, time.Time{})
		if err == nil && (other || got.Head.Device != protocoltest.Speaker || got.Head.Seq != 5 || len(got.Entries) == 0) {
			t.Errorf("took %+v", got.Head)
		}
	})
}
