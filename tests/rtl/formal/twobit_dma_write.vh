// SPDX-License-Identifier: MIT
// The memory answers only bursts whose data it has; a transfer begins only when none is active (twobit_dma_registers).
reg [3:0] addressed, filled; // bursts whose address, whose data the memory has taken
reg [31:0] awaddr_before;
reg [3:0] awlen_before;
reg [5:0] got_before;
reg [28:0] at_before;
reg [22:0] beats_before;
reg address_waits, data_wait, started;

wire [11:0] first = m_awaddr[11:0];
wire [11:0] last = first + {5'd0, m_awlen, 3'd7};

initial started = 0;
always @(posedge clock) begin
	started <= 1;
	assume (started || reset);
	assume (!m_bvalid || (addressed != 0 && filled != 0));
	assume (!start || (!active && !failed && !overran && quiet && held == 0 && beats != 0));
	assume (!active || !started || beats == beats_before);
	assume (!reset || quiet || !started);
	beats_before <= beats;
	addressed <= reset ? 4'd0 : addressed + {3'd0, m_awvalid && m_awready} - {3'd0, answer};
	filled <= reset ? 4'd0 : filled + {3'd0, sends && m_wlast} - {3'd0, answer};
	address_waits <= m_awvalid && !m_awready && !reset;
	data_wait <= m_wvalid && !m_wready && !reset;
	awaddr_before <= m_awaddr;
	awlen_before <= m_awlen;
	got_before <= got;
	at_before <= at;
	if (started && !reset) begin
		// The rules of the port: what waits stays; never over 4 KB, never out of 128 bytes.
		assert (!address_waits || (m_awvalid && m_awaddr == awaddr_before && m_awlen == awlen_before));
		assert (!data_wait || (m_wvalid && got == got_before));
		assert (!m_awvalid || (first[11:7] == last[11:7] && m_awaddr[2:0] == 0));
		// A burst's data are there from its beginning to its end, so that it never holds up the memory.
		assert ({1'b0, to_send} <= held);
		assert (!takes || held < 6'd32);
		// Every burst is answered once.
		assert (unanswered == addressed + {3'd0, m_awvalid});
		assert (unanswered == filled + {3'd0, to_send != 0});
		assert (unanswered <= MOST && addressed <= MOST && filled <= MOST);
		// What the proof needs to know.
		assert (held <= 6'd32);
		assert (to_border == 5'd16 - {1'b0, at_before[3:0]});
		assert (at == at_before || m_awvalid || held == 0);
		assert (to_send <= 5'd16);
		assert (!m_awvalid || !asks);
		assert (active || failed || overran || held == 0);
		assert (active || quiet);
		assert (!active || came <= beats);
	end
end
