package hub

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/reach"
	"github.com/loa-vn/loa/hub/sheet"
	"github.com/loa-vn/loa/protocol"
)

func TestTheSheetSaysWhoWasReachedAndWhyNot(t *testing.T) {
	start := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	line := func(id protocol.DeviceID) reach.Expected {
		return reach.Expected{Airing: "a", Device: id, Medium: protocol.MediumSound, Start: start, Due: start}
	}
	share := func(v protocol.UnitID) []protocol.Share { return []protocol.Share{{Village: v, Share: 1000}} }
	answer := reach.Answer{Outcome: protocol.OutcomePlayed, Proof: protocol.ProofConsumed, Began: start, Ended: start.Add(time.Minute)}
	r := reach.Compute(reach.Input{
		Expected: []reach.Expected{line("loa-dong"), line("loa-doai")},
		Answers:  map[reach.Key]reach.Answer{line("loa-dong").Key(): answer, line("loa-doai").Key(): {Outcome: protocol.OutcomeSkipped, Reason: protocol.ReasonMuted}},
		Serves:   map[protocol.DeviceID][]protocol.Share{"loa-dong": share("dong"), "loa-doai": share("doai")},
		Villages: []reach.Village{{ID: "dong", Name: "Thôn Đông", People: 820}, {ID: "doai", Name: "Thôn Đoài", People: 610}},
		Now:      start.Add(time.Hour),
	})
	var b bytes.Buffer
	if err := (sheets{}).Reach(&b, "Mời họp", "Nguyễn Thị Soạn", r, func(id protocol.DeviceID) string { return "Cụm " + string(id) }, time.UTC); err != nil {
		t.Fatal(err)
	}
	text, err := sheets{}.CSV(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if sheet.IsWorkbook(text) {
		t.Error("the workbook was not read")
	}
	for _, want := range []string{"Mời họp. Người soạn: Nguyễn Thị Soạn. Đã phát 1/2 lần; 820/1430 người"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	plain := []byte("id,name\n")
	if got, err := (sheets{}).CSV(plain); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("a CSV file came back as %q, %v", got, err)
	}
}
