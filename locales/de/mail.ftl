# E-Mails. `when` sind Datum und Uhrzeit, mit Browser und Adresse in Klammern, soweit sie bekannt sind.

mail-device = { $browser } auf { $system }
mail-device-unknown = unbekannter Browser
mail-address = IP-Adresse { $address }
mail-address-unknown = unbekannte IP-Adresse
mail-case = Vorgang { $case }.

mail-closing-not-you = Waren Sie das nicht? Öffnen Sie { $host }, wählen Sie Konto, dann Passwort und 2FA, melden Sie alle anderen Sitzungen ab und ändern Sie Ihr Passwort.
mail-closing-contact = Sie erreichen den Kundenservice auch so: { $help }.
mail-closing-never = Der Kundenservice fragt nie nach Ihrem Passwort oder einem Code aus Ihrer App.

mail-enabled-subject = Die Zwei-Faktor-Authentifizierung ist aktiv
mail-enabled-body = Die Zwei-Faktor-Authentifizierung wurde für Ihr Konto aktiviert: { $when }. Bewahren Sie Ihre Notfallcodes sicher auf.

mail-replaced-subject = Ihre Authenticator-App wurde ersetzt
mail-replaced-body = Eine neue Authenticator-App wurde eingerichtet: { $when }. Die alte App funktioniert nicht mehr. Alle anderen Sitzungen und vertrauten Geräte wurden abgemeldet, und Sie haben neue Notfallcodes.

mail-disabled-subject = Die Zwei-Faktor-Authentifizierung wurde ausgeschaltet
mail-disabled-body = Die Zwei-Faktor-Authentifizierung wurde für Ihr Konto ausgeschaltet: { $when }. Ihre Notfallcodes und vertrauten Geräte funktionieren nicht mehr.

mail-emergency-used-subject = Ein Notfallcode wurde verwendet
mail-emergency-used-body = Ein Notfallcode wurde zum Anmelden verwendet: { $when }. Verbleibende Codes: { $left } von { $total }.

mail-codes-new-subject = Sie haben neue Notfallcodes
mail-codes-new-body = Neue Notfallcodes wurden erstellt: { $when }. Die alten funktionieren nicht mehr.

mail-otc-subject = Ihr Einmalcode
mail-otc-code = { $code } ist Ihr Einmalcode.
mail-otc-body = Er funktioniert einmal und läuft ab: { $until }. Wählen Sie im Codefenster „Andere Methode“, dann „Einmalcode“.
mail-otc-asked = Sie haben den Kundenservice darum gebeten.
mail-otc-asked-case = Sie haben den Kundenservice darum gebeten (Vorgang { $case }).
mail-otc-keep = Geben Sie ihn niemandem, auch nicht uns.

mail-otc-shown-subject = Der Kundenservice hat einen Einmalcode für Sie erstellt
mail-otc-shown-body = Für Ihr Konto wurde ein Einmalcode erstellt: { $when } (Vorgang { $case }). Sie haben ihn per Chat oder Telefon erhalten.
mail-otc-shown-plain-body = Für Ihr Konto wurde ein Einmalcode erstellt: { $when }. Sie haben ihn per Chat oder Telefon erhalten.

mail-otc-used-subject = Ein Einmalcode wurde verwendet
mail-otc-used-body = Ein Einmalcode des Kundenservice wurde zum Anmelden verwendet: { $when }.

mail-enrolment-subject = Ihr Code zum Aktivieren der Zwei-Faktor-Authentifizierung
mail-enrolment-code = { $code } ist Ihr Code zum Aktivieren der Zwei-Faktor-Authentifizierung.
mail-enrolment-body = Er funktioniert einmal und läuft ab: { $until }. Geben Sie ihn auf der Seite ein, die danach fragt. Geben Sie ihn niemandem, auch nicht uns.

mail-locked-subject = Jemand hat falsche Codes für Ihr Konto eingegeben
mail-locked-body = Jemand, der Ihr Passwort kennt, hat { $wrong } falsche Codes eingegeben, zuletzt: { $when }. Codes werden erst wieder angenommen ab: { $until }. Wenn Sie das nicht waren, ändern Sie jetzt Ihr Passwort.

mail-password-disabled-subject = Ihr Passwort wurde gesperrt
mail-password-disabled-body = Nach zu vielen falschen Versuchen wurde Ihr Passwort gesperrt: { $when }. Es öffnet Ihr Konto nicht mehr. Um ein neues zu wählen, öffnen Sie { $host } und wählen „Passwort vergessen?“.

mail-app-disabled-subject = Ihre Authenticator-App wurde gesperrt
mail-app-disabled-body = Jemand, der Ihr Passwort kennt, hat zu viele falsche Codes eingegeben. Deshalb wurde Ihre Authenticator-App gesperrt: { $when }. Um sie neu einzurichten, wenden Sie sich an den Kundenservice. Wenn Sie das nicht waren, ändern Sie jetzt Ihr Passwort.

mail-device-trusted-subject = Einem Gerät wird vertraut
mail-device-trusted-body = Ein Gerät wurde als vertraut markiert: { $when }. Es wird bis zum { $until } nicht nach einem Code gefragt.

mail-new-place-subject = Neue Anmeldung an Ihrem Konto
mail-new-place-body = Sie haben sich mit einem Browser angemeldet, der für Ihr Konto bisher nicht verwendet wurde: { $when }.

mail-password-subject = Ihr Passwort wurde geändert
mail-password-body = Ihr Passwort wurde geändert: { $when }. Alle anderen Sitzungen wurden abgemeldet.

mail-reset-subject = Setzen Sie Ihr Passwort zurück
mail-reset-body = Öffnen Sie diesen Link innerhalb von { $minutes } Minuten, um ein neues Passwort zu wählen:
mail-reset-ignore = Wenn Sie das nicht angefordert haben, müssen Sie nichts tun: Ihr Passwort bleibt, wie es ist.

mail-invitation-subject = Ihr neues Konto
mail-invitation-body = Für Sie wurde ein Konto angelegt. Öffnen Sie diesen Link, um Ihr Passwort zu wählen; er funktioniert einmal und läuft ab: { $until }.

mail-desk-subject = Der Kundenservice hat Ihr Konto geändert
mail-desk-signed-out = Der Kundenservice hat Sie überall abgemeldet: { $when }.
mail-desk-devices-removed = Der Kundenservice hat Ihre vertrauten Geräte entfernt: { $when }.
mail-desk-authenticator-reset = Der Kundenservice hat Ihre Authenticator-App und Ihre Notfallcodes entfernt: { $when }. Bei der nächsten Anmeldung richten Sie wieder eine App ein.
mail-desk-exempted = Der Kundenservice hat den Tag verschoben, an dem Sie die Zwei-Faktor-Authentifizierung aktivieren müssen: { $when }.
mail-desk-unlocked = Der Kundenservice hat eine Pause nach falschen Passwörtern oder Codes beendet: { $when }. Sie können sich wieder anmelden.
mail-desk-disabled = Der Kundenservice hat Ihr Konto gesperrt: { $when }. Sie können sich nicht mehr anmelden.
mail-desk-enabled = Der Kundenservice hat Ihr Konto freigegeben: { $when }. Sie können sich wieder anmelden.
mail-desk-groups = Der Kundenservice hat Ihre Gruppen geändert: { $when }. Die Dienste, die Sie öffnen können, können sich geändert haben.
mail-desk-password-reset = Der Kundenservice hat Ihr Passwort zurückgesetzt: { $when }. Das alte funktioniert nicht mehr, und alle Sitzungen wurden abgemeldet.
mail-desk-deletion = Der Kundenservice hat die Löschung Ihres Kontos vorgemerkt: { $when }. Wenn Sie es noch brauchen, wenden Sie sich an den Kundenservice.

mail-remind-subject = Aktivieren Sie die Zwei-Faktor-Authentifizierung bis zum { $date }
mail-remind-body = Ihre Organisation verlangt die Zwei-Faktor-Authentifizierung. Der letzte Tag, an dem Sie sie aufschieben können, ist der { $date }; danach müssen Sie sie aktivieren, um sich anzumelden. Das dauert etwa 3 Minuten: Öffnen Sie { $host }, wählen Sie Konto, dann Passwort und 2FA. Halten Sie Ihr Telefon bereit.

mail-deadline-subject = Sie müssen jetzt die Zwei-Faktor-Authentifizierung aktivieren
mail-deadline-body = Bei der nächsten Anmeldung werden Sie aufgefordert, die Zwei-Faktor-Authentifizierung zu aktivieren, bevor Sie fortfahren können. Das dauert etwa 3 Minuten. Halten Sie Ihr Telefon bereit.
