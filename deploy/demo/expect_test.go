package main

import (
	"strings"
	"testing"
	"time"
)

// right is a list and the receipts that fulfil it.
func right() ([]wanted, []line) {
	start := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	began, ended := start.Add(20*time.Millisecond), start.Add(10*time.Second)
	list := []wanted{
		{bulletin: "a", device: "loa", medium: "sound", start: exactly(start), outcome: "played", frames: 480_000},
		{bulletin: "a", device: "bang", medium: "board", start: exactly(start), outcome: "played"},
		{bulletin: "b", device: "loa", medium: "sound", start: exactly(start.Add(time.Minute)), outcome: "cut", reason: "drill", frames: rate, most: 479_999},
	}
	later, laterEnd := began.Add(time.Minute), ended.Add(time.Minute)
	return list, []line{
		{"a", lineBody{Airing: "1", Device: "loa", Medium: "sound", Start: start, Outcome: "played", Proof: "consumed", Began: &began, Ended: &ended, Frames: 480_000}},
		{"a", lineBody{Airing: "1", Device: "bang", Medium: "board", Start: start, Outcome: "played", Proof: "rendered", Began: &began, Ended: &ended}},
		{"b", lineBody{Airing: "2", Device: "loa", Medium: "sound", Start: start.Add(time.Minute), Outcome: "cut", Reason: "drill", Proof: "consumed", Began: &later, Ended: &laterEnd, Frames: 200_000}},
		{"a", lineBody{Airing: "1", Device: "loa", Medium: "sound", Start: start.AddDate(0, 0, 1), Outcome: "ahead"}},
	}
}

func TestTheRightReceiptsFulfilTheList(t *testing.T) {
	list, lines := right()
	answers, wrong := compare(list, lines)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	if got, want := count(5, answers).String(), "demo: 5 devices, 3 expected, 2 played, 0 unknown"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !settled(list, lines) {
		t.Error("not settled")
	}
}

func TestAnyFalsifiedReceiptIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		change func(lines []line) []line
		says   string
	}{
		"missing":            {func(l []line) []line { return l[1:] }, "no outcome"},
		"twice":              {func(l []line) []line { return append(l, l[0]) }, "2 outcomes"},
		"another outcome":    {func(l []line) []line { l[0].Outcome, l[0].Reason = "skipped", "off"; return l }, "skipped"},
		"unknown":            {func(l []line) []line { l[0].Outcome = "unknown"; return l }, "unknown"},
		"still ahead":        {func(l []line) []line { l[0].Outcome = "ahead"; return l }, "ahead"},
		"another reason":     {func(l []line) []line { l[2].Reason = "stopped"; return l }, "stopped"},
		"cut called played":  {func(l []line) []line { l[2].Outcome, l[2].Reason = "played", ""; return l }, "instead of cut"},
		"too few frames":     {func(l []line) []line { l[0].Frames--; return l }, "479999 frames"},
		"cut, but whole":     {func(l []line) []line { l[2].Frames = 480_000; return l }, "480000 frames"},
		"too high a proof":   {func(l []line) []line { l[1].Proof = "shown"; return l }, `"shown"`},
		"a siren":            {func(l []line) []line { l[0].Voice = "siren"; return l }, `"siren"`},
		"another start":      {func(l []line) []line { l[0].Start = l[0].Start.Add(time.Millisecond); return l }, "no outcome"},
		"began before start": {func(l []line) []line { b := l[0].Start.Add(-time.Second); l[0].Began = &b; return l }, "began"},
		"no instants":        {func(l []line) []line { l[1].Began = nil; return l }, "no instants"},
		"ended before began": {func(l []line) []line { l[1].Ended = l[1].Began; return l }, "ended"},
		"another device":     {func(l []line) []line { l[0].Device = "la"; return l }, "nobody expected"},
		"another bulletin":   {func(l []line) []line { l[0].bulletin = "b"; return l }, "nobody expected"},
		"one too many": {func(l []line) []line {
			extra := l[0]
			extra.Device = "bang"
			return append(l, extra)
		}, "nobody expected"},
	} {
		t.Run(name, func(t *testing.T) {
			list, lines := right()
			_, wrong := compare(list, c.change(lines))
			if !strings.Contains(strings.Join(wrong, "\n"), c.says) {
				t.Errorf("found %q, want something of %q", wrong, c.says)
			}
		})
	}
}

func TestUnknownIsCountedApart(t *testing.T) {
	list, lines := right()
	lines[0].Outcome, lines[1].Outcome = "unknown", "ahead"
	answers, _ := compare(list, lines)
	if got := count(2, answers); got != (tally{Devices: 2, Expected: 3, Played: 0, Unknown: 2}) {
		t.Errorf("%+v", got)
	}
	if settled(list, lines) {
		t.Error("settled without two outcomes")
	}
}

func TestTheListIsOfWhatDevicesAndBulletinShare(t *testing.T) {
	d := &demo{}
	it := &item{key: "x", sample: sample{Board: "chữ"}, sent: make([]int16, rate), body: bulletinBody{}}
	it.body.Sound = &struct {
		Frames int64 `json:"frames"`
	}{rate}
	d.expect(it, span{}, []string{"thon-doai"}, "played", "")
	var got []string
	for _, w := range d.list {
		got = append(got, w.String())
	}
	want := "x · loa-doai · sound, x · loa-bang-doai · sound, x · loa-bang-doai · board"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("%s, want %s", s, want)
	}
	d.list, it.sent = nil, nil
	if d.expect(it, span{}, []string{communeID}, "played", ""); len(d.list) != 2 {
		t.Errorf("a text for boards owes %d, want 2", len(d.list))
	}
}
