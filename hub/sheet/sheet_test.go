package sheet_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/loa-vn/loa/hub/problem"
	"github.com/loa-vn/loa/hub/sheet"
	"github.com/loa-vn/loa/protocol/protocoltest"
	"github.com/xuri/excelize/v2"
)

func TestAWorkbookComesBackAsItWasWritten(t *testing.T) {
	var b bytes.Buffer
	err := sheet.Write(&b, sheet.Table{
		Name: "Theo thôn", Columns: []string{"Thôn", "Người"}, Widths: []float64{30, 10},
		Rows: [][]any{{"Thôn Đông", 820}, {`=HYPERLINK("http://x")`, 1}, {"Thôn Đoài", ""}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !sheet.IsWorkbook(b.Bytes()) {
		t.Error("its own workbook is not known as one")
	}
	got, err := sheet.CSV(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want := "Thôn,Người\nThôn Đông,820\n\"=HYPERLINK(\"\"http://x\"\")\",1\nThôn Đoài,\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A date that somebody types is stored as a number, shown as their program likes.
func TestADayIsReadAsADayHoweverItIsShown(t *testing.T) {
	day := time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)
	own := func(format string) *excelize.Style { return &excelize.Style{CustomNumFmt: &format} }
	for name, c := range map[string]struct {
		style *excelize.Style
		value any
		want  string
	}{
		"short date":          {&excelize.Style{NumFmt: 14}, day, "2025-07-01"},
		"day and month":       {own("dd/mm/yyyy"), day, "2025-07-01"},
		"in words":            {own(`[$-42A]dd "tháng" mm "năm" yyyy`), day, "2025-07-01"},
		"red number":          {own(`[Red]#,##0`), 1820, "1,820"},
		"code with zeros":     {own("00000"), 123, "00123"},
		"quoted letters only": {own(`0 "day"`), 5, "5 day"},
	} {
		t.Run(name, func(t *testing.T) {
			f := excelize.NewFile()
			id, err := f.NewStyle(c.style)
			// Below an empty row, whose number counts.
			if err := errors.Join(err, f.SetCellValue("Sheet1", "A1", "x"), f.SetCellValue("Sheet1", "A3", c.value), f.SetCellStyle("Sheet1", "A3", "A3", id)); err != nil {
				t.Fatal(err)
			}
			b, err := f.WriteToBuffer()
			if err != nil {
				t.Fatal(err)
			}
			got, err := sheet.CSV(b.Bytes())
			if err != nil || !strings.HasSuffix(string(got), "\n"+strconv.Quote(c.want)+"\n") && !strings.HasSuffix(string(got), "\n"+c.want+"\n") {
				t.Errorf("%q, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestWhatIsNoWorkbookIsRefused(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("PK\x03\x04 but no more"), []byte("id,name\n")} {
		if _, err := sheet.CSV(b); !errors.Is(err, problem.ErrInvalid) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

// unpacked is how many bytes a workbook's parts say they are.
func unpacked(b []byte) int {
	n := len(b)
	if z, err := zip.NewReader(bytes.NewReader(b), int64(len(b))); err == nil {
		for _, f := range z.File {
			n += int(min(f.UncompressedSize64, 16<<20))
		}
	}
	return n
}

func FuzzCSV(f *testing.F) {
	var b bytes.Buffer
	if err := sheet.Write(&b, sheet.Table{Name: "A", Columns: []string{"x"}, Rows: [][]any{{1}}}); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		// What the parts unpack to is bounded by itself; an empty workbook takes half a megabyte.
		protocoltest.HoldMemoryBeside(t, "workbook", unpacked(b), 1<<20, func() { _, _ = sheet.CSV(b) })
	})
}
