package main

import (
	"fmt"
	"time"
)

// span is the time in which something has to lie, both ends included.
type span struct{ from, to time.Time }

func (s span) holds(t time.Time) bool { return !t.Before(s.from) && !t.After(s.to) }

// wanted is one occurrence that the driver expects, and what has to become of it.
type wanted struct {
	bulletin string // its key in the driver's story
	device   string
	medium   string // "sound" or "board"
	start    span   // of the scheduled start
	outcome  string
	reason   string
	frames   int64  // at least so many were consumed, at 48 kHz; of sounds that are played
	most     int64  // and at most so many, 0 for any: one that was cut can't have been whole
	voice    string // of emergencies' sounds: by which voice
}

func (w wanted) String() string {
	return fmt.Sprintf("%s · %s · %s", w.bulletin, w.device, w.medium)
}

// line is what a receipt says of one occurrence, as the hub shows it.
type line struct {
	bulletin string
	lineBody
}

// proof is what a receipt of a medium has to be able to say here: the card took
// the frames, or the picture was made. Anything higher would be a lie.
func proof(medium string) string {
	if medium == "board" {
		return "rendered"
	}
	return "consumed"
}

// answer pairs what was wanted with what became of it.
type answer struct {
	wanted
	line *line // nil: nothing is known
}

// compare finds for everything wanted its one line, and says what is wrong: no
// line, several, another outcome, a proof that can't be, too few frames, and lines
// that nobody expected. Lines that are still ahead are nobody's yet.
func compare(list []wanted, lines []line) (answers []answer, wrong []string) {
	taken := make([]bool, len(lines))
	for _, w := range list {
		a := answer{wanted: w}
		count := 0
		for i := range lines {
			l := &lines[i]
			if taken[i] || l.bulletin != w.bulletin || l.Device != w.device || l.Medium != w.medium || !w.start.holds(l.Start) {
				continue
			}
			taken[i] = true
			a.line = l
			count++
		}
		answers = append(answers, a)
		switch {
		case count == 0:
			wrong = append(wrong, fmt.Sprintf("%s: no outcome at all", w))
		case count > 1:
			wrong = append(wrong, fmt.Sprintf("%s: %d outcomes instead of one", w, count))
		default:
			wrong = append(wrong, a.judge()...)
		}
	}
	for i, l := range lines {
		if !taken[i] && l.Outcome != "ahead" {
			wrong = append(wrong, fmt.Sprintf("%s · %s · %s at %s: nobody expected it", l.bulletin, l.Device, l.Medium, l.Start.Format(time.RFC3339)))
		}
	}
	return answers, wrong
}

// judge says what is wrong with an answer that is there.
func (a answer) judge() []string {
	var wrong []string
	bad := func(format string, args ...any) {
		wrong = append(wrong, a.String()+": "+fmt.Sprintf(format, args...))
	}
	l := a.line
	if l.Outcome != a.outcome || l.Reason != a.reason {
		bad("%s (%s) instead of %s (%s)", l.Outcome, l.Reason, a.outcome, a.reason)
		return wrong
	}
	if l.Outcome == "skipped" {
		return wrong
	}
	if l.Proof != proof(a.medium) {
		bad("proof %q instead of %q", l.Proof, proof(a.medium))
	}
	if a.medium == "sound" && (l.Frames < a.frames || a.most > 0 && l.Frames > a.most) {
		bad("%d frames, expected %d to %d", l.Frames, a.frames, a.most)
	}
	if l.Voice != a.voice {
		bad("voice %q instead of %q", l.Voice, a.voice)
	}
	switch {
	case l.Began == nil || l.Ended == nil:
		bad("no instants of beginning and end")
	case l.Began.Before(l.Start) || !l.Ended.After(*l.Began):
		bad("began %s, ended %s, though it starts %s", l.Began.Format(time.RFC3339Nano), l.Ended.Format(time.RFC3339Nano), l.Start.Format(time.RFC3339Nano))
	}
	return wrong
}

// settled says whether every occurrence that is wanted has an outcome.
func settled(list []wanted, lines []line) bool {
	answers, _ := compare(list, lines)
	for _, a := range answers {
		if a.line == nil || a.line.Outcome == "ahead" || a.line.Outcome == "unknown" {
			return false
		}
	}
	return true
}

// count sums answers up.
func count(devices int, answers []answer) tally {
	t := tally{Devices: devices, Expected: len(answers)}
	for _, a := range answers {
		switch {
		case a.line == nil || a.line.Outcome == "unknown" || a.line.Outcome == "ahead":
			t.Unknown++
		case a.line.Outcome == "played":
			t.Played++
		}
	}
	return t
}
