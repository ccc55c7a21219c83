package programme

import (
	"slices"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/approval"
	"github.com/loa-vn/loa/protocol"
)

// What is approved until a day is aired until that day, so that no report expects more.
func TestNothingIsOwedAfterTheLastDayApproved(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rule, want   string
		dates, dated []string
	}{
		{rule: "FREQ=DAILY", want: "FREQ=DAILY;UNTIL=20261205T235959"},
		{rule: "FREQ=DAILY;COUNT=9;BYDAY=MO,TU", want: "FREQ=DAILY;BYDAY=MO,TU;UNTIL=20261205T235959"},
		{rule: "FREQ=DAILY;COUNT=5", want: "FREQ=DAILY;COUNT=5"},
		{rule: "FREQ=DAILY;COUNT=6", want: "FREQ=DAILY;UNTIL=20261205T235959"},
		{rule: "FREQ=DAILY;UNTIL=20261206T050000", want: "FREQ=DAILY;UNTIL=20261205T235959"},
		{rule: "FREQ=DAILY;UNTIL=20261203T050000", want: "FREQ=DAILY;UNTIL=20261203T050000"},
		{dates: []string{"2026-12-05T23:59:59", "2026-12-06T00:00:00"}, dated: []string{"2026-12-05T23:59:59"}},
		{},
	} {
		a := protocol.Airing{Start: "2026-12-01T05:00:00", Rule: c.rule, RDates: c.dates}
		d := draft{zone: zone, request: approval.Request{Statement: protocol.Statement{LastDay: "2026-12-05"}}}
		if err := d.bound(&a); err != nil {
			t.Errorf("%q: %v", c.rule, err)
		}
		if a.Rule != c.want || !slices.Equal(a.RDates, c.dated) {
			t.Errorf("%q %v became %q %v", c.rule, c.dates, a.Rule, a.RDates)
		}
	}
}
