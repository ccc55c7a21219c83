package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// plainText is a sentence as bulletins have them; bulletinText is one of 200 words.
const plainText = "Thực hiện Kế hoạch số 45/KH-UBND ngày 10/3/2026 của UBND xã, từ 7h30 - 11h30 ngày 15/3, " +
	"Trạm Y tế xã tổ chức tiêm vắc-xin sởi cho 124 trẻ từ 1-5 tuổi; chi tiết xin liên hệ đ/c Lan, SĐT 0912 345 678. "

var bulletinText = strings.TrimSpace(strings.Join(strings.Fields(strings.Repeat(plainText, 5))[:200], " "))

// reading measures how fast `loa-hub studio read` turns text into words: ordinary
// bulletins, and lines made to be slow as a ratio to those.
func reading(_ context.Context, w *world, _ int) ([]result, error) {
	const bulletins = 4000
	empty, err := w.read("")
	if err != nil {
		return nil, err
	}
	text := strings.Repeat(bulletinText+"\n", bulletins)
	took, err := w.read(text)
	if err != nil {
		return nil, err
	}
	took -= empty
	perByte := took.Seconds() / float64(len(text))
	results := []result{
		atLeast("normaliser: text a second", 1/perByte/1e6, 1, "MB/s"),
		under("normaliser: a bulletin of 200 words", ms(took)/bulletins, 1, "ms"),
	}
	const tokens = 200_000
	for _, hostile := range []struct{ name, line string }{
		{"a number of 200,000 digits", strings.Repeat("7", tokens)},
		{"words of 10,000 letters", strings.Repeat(strings.Repeat("òa", 5_000)+" ", 20)},
		{"200,000 ranges", strings.Repeat("1-", tokens) + "1"},
		{"200,000 numerals", strings.Repeat("X-", tokens)},
		{"an address of 200,000 parts", strings.Repeat("a.", tokens) + "vn"},
	} {
		took, err := w.read(hostile.line + "\n")
		if err != nil {
			return nil, err
		}
		ratio := max(0, (took-empty).Seconds()) / float64(len(hostile.line)) / perByte
		results = append(results, under("normaliser: "+hostile.name+", a byte", ratio, 50, "x plain"))
	}
	return results, nil
}

// read has the hub read text and returns the shortest of three times.
func (w *world) read(text string) (time.Duration, error) {
	file := filepath.Join(w.dir, "text.txt")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return 0, err
	}
	var best time.Duration
	for n := range 3 {
		from := time.Now()
		out, err := exec.Command(filepath.Join(w.bin, "loa-hub"), "studio", "read", file).Output()
		took := time.Since(from)
		if err != nil {
			return 0, fmt.Errorf("studio read: %w", err)
		}
		if lines := strings.Count(text, "\n"); strings.Count(string(out), "\n") != lines {
			return 0, fmt.Errorf("studio read: not %d lines", lines)
		}
		if n == 0 || took < best {
			best = took
		}
	}
	return best, nil
}

// atLeast is a figure that must reach a goal.
func atLeast(name string, value, goal float64, unit string) result {
	return result{Name: name, Value: round(value), Unit: unit, Goal: fmt.Sprintf(">= %g %s", goal, unit), OK: value >= goal}
}
