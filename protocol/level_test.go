package protocol_test

import (
	"testing"

	"github.com/loa-vn/loa/protocol"
)

// Only sound that the card took, and of which a microphone recognised enough, is on the
// higher level of proof.
func TestTheMicrophoneRaisesTheLevelOnlyOfWhatItRecognised(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		receipt protocol.Receipt
		want    protocol.Proof
	}{
		"no microphone":     {protocol.Receipt{Proof: protocol.ProofConsumed}, protocol.ProofConsumed},
		"80 per cent":       {protocol.Receipt{Proof: protocol.ProofConsumed, Heard: &protocol.Heard{Listened: 1000, Recognised: 800}}, protocol.ProofRecognised},
		"less":              {protocol.Receipt{Proof: protocol.ProofConsumed, Heard: &protocol.Heard{Listened: 1000, Recognised: 799}}, protocol.ProofConsumed},
		"something else":    {protocol.Receipt{Proof: protocol.ProofConsumed, Heard: &protocol.Heard{Listened: 1000}}, protocol.ProofConsumed},
		"not even consumed": {protocol.Receipt{Proof: protocol.ProofReceived, Heard: &protocol.Heard{Listened: 1, Recognised: 1}}, protocol.ProofReceived},
	} {
		if got := c.receipt.Level(); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
