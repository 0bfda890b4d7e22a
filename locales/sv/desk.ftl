desk-role-helpdesk = Helpdesk
desk-role-administrator = Administratör
desk-role-auditor = Granskare
desk-nav-users = Sök användare
desk-nav-approvals = Godkännanden
desk-nav-approvals-n = Godkännanden ({ $n })
desk-nav-adoption = 2FA-införande
desk-nav-audit = Händelselogg
desk-nav-new = Nytt konto
desk-nav-import = Import
desk-nav-services = Dina tjänster
desk-utc = Tiderna anges i UTC.
desk-find-title = Sök användare
desk-find-label = Namn, e-postadress eller användarnamn
desk-find-submit = Sök
desk-find-filter = Filtrera efter tvåfaktorsstatus
desk-find-all = Alla { $n }
desk-find-on = På { $n }
desk-find-grace = Påminns { $n }
desk-find-due = Tidsfristen passerad { $n }
desk-find-exempt = Undantagna { $n }
desk-find-count = { $n ->
    [one] 1 användare hittades
   *[other] { $n } användare hittades
 }
desk-find-more-title = De första { $n }
desk-find-more = Det finns fler än 50. Begränsa sökningen: lägg till en del av namnet eller sök på hela e-postadressen.
desk-find-none = Ingen användare matchar ”{ $query }”. Kontrollera stavningen eller sök på hela e-postadressen.
desk-find-nobody = Ingen finns i den här listan.
desk-find-short = Ange minst 3 tecken
desk-find-last = Senaste inloggning:
desk-find-never = Har aldrig loggat in
desk-find-disabled = Inaktiverat
desk-find-audited = Varje sökning skrivs till händelseloggen.
desk-state-on = På
desk-state-grace = { $days ->
    [one] Påminns, 1 dag kvar
   *[other] Påminns, { $days } dagar kvar
 }
desk-state-reminding = Påminns
desk-state-due = Tidsfristen passerad
desk-state-exempt = Undantagen
desk-state-exempt-until = Undantagen till { $date }
desk-user-login = Användarnamn: { $login }
desk-user-on = Tvåfaktor på
desk-user-status = Status
desk-user-app = Autentiseringsapp
desk-user-enabled = Aktiverad
desk-user-last = Senast godkända kod
desk-user-codes = Nödkoder
desk-user-codes-left = { $n } av { $total } kvar
desk-user-devices = Betrodda enheter
desk-user-sessions = Aktiva sessioner
desk-user-signed-in = Senaste inloggning
desk-user-never = Aldrig
desk-user-pw = Lösenord bytt
desk-user-otc = Öppen engångskod
desk-user-until = till
desk-user-paused = Koder pausade
desk-user-exempt-until = Undantagen till
desk-user-none = Ingen
desk-user-groups = Grupper
desk-user-disabled = Kontot inaktiverat
desk-user-audit-all = Visa allt
desk-user-help = Hjälp användaren
desk-user-help-note = Allt du gör här skrivs till händelseloggen, och användaren får veta det via e-post.
desk-user-look = Din roll får se kontot men inte ändra något.
desk-user-account = Konto
desk-user-issue = Utfärda engångskod
desk-user-out = Logga ut överallt
desk-user-untrust = Ta bort betrodda enheter
desk-user-reset = Återställ autentiseringsappen
desk-user-reset-note = En återställning måste godkännas av en andra handläggare.
desk-user-exempt = Undanta från tidsfristen
desk-user-unlock = Lås upp
desk-user-password-reset = Starta lösenordsåterställning
desk-user-groups-change = Ändra grupper
desk-user-disable = Inaktivera kontot
desk-user-enable = Aktivera kontot
desk-user-delete = Radera kontot
desk-user-keep = Behåll kontot
desk-user-two-agents = Kontot har en roll i den här konsolen. Allt som görs med det måste godkännas av en andra handläggare.
desk-user-self = Du kan inte utfärda en kod eller en återställning för ditt eget konto.
desk-user-higher = Kontot har en högre roll än du. En administratör kan hjälpa till.
desk-user-contact = Kontots kontaktuppgifter ändrades { $date }. Under 7 dagar skickas inget hemligt dit: kontrollera noga vem som frågar.
desk-user-deletion = Kontot raderas { $date }.
desk-user-out-done = { $name } har loggats ut överallt.
desk-user-out-count = { $n ->
    [one] 1 session avslutades.
   *[other] { $n } sessioner avslutades.
 }
desk-user-untrust-done = { $n ->
    [one] 1 betrodd enhet har tagits bort.
   *[other] { $n } betrodda enheter har tagits bort.
 }
desk-user-reset-wait = { $minutes ->
    [one] Återställningen väntar på en andra handläggare. Den förfaller om 1 minut.
   *[other] Återställningen väntar på en andra handläggare. Den förfaller om { $minutes } minuter.
 }
desk-user-wait = { $minutes ->
    [one] Det väntar på en andra handläggare. Det förfaller om 1 minut.
   *[other] Det väntar på en andra handläggare. Det förfaller om { $minutes } minuter.
 }
desk-user-reset-done = Autentiseringsappen har återställts.
desk-user-exempted = Undantagen från tidsfristen till { $date }.
desk-user-unlocked = Alla pauser har tagits bort. Användaren kan försöka igen direkt.
desk-user-disabled-done = Kontot har inaktiverats och alla dess sessioner har avslutats.
desk-user-enabled-done = Kontot har aktiverats.
desk-user-groups-done = Grupperna har ändrats.
desk-user-deletion-done = Kontot är stängt och raderas { $date }. Fram till dess kan det behållas.
desk-user-kept = Kontot raderas inte.
desk-user-reset-sent = En länk för att välja ett nytt lösenord har skickats till { $email }.
desk-user-created = Kontot har skapats.
desk-user-invited = Kontot har skapats och en inbjudan har skickats till { $email }.
desk-off-authenticator = Ingen autentiseringsapp är aktiverad.
desk-off-devices = Det finns inga betrodda enheter.
desk-off-sessions = Det finns inga aktiva sessioner.
desk-off-paused = Inget är pausat.
desk-off-email = Kontot har ingen e-postadress.
desk-off-contact = Kontaktuppgifterna har ändrats under de senaste 7 dagarna.
desk-off-mail = E-post är inte konfigurerad.
desk-off-waiting = Väntar på en andra handläggare.
desk-act-for = För
desk-act-issue = Den ersätter koden från appen vid en inloggning. Användaren behöver fortfarande lösenordet.
desk-act-out = Alla sessioner avslutas direkt på alla enheter. Betrodda enheter förblir betrodda.
desk-act-untrust = Alla enheter frågas efter en kod vid nästa inloggning.
desk-act-reset = Autentiseringsappen, nödkoderna och de betrodda enheterna tas bort och alla sessioner avslutas. Användaren aktiverar en ny app vid nästa inloggning.
desk-act-exempt = Till den dagen kan användaren logga in utan att aktivera tvåfaktorsautentisering, även om policyn kräver det.
desk-act-unlock = Pauser efter felaktiga lösenord och koder tas bort. Lösenord och koder förblir oförändrade.
desk-act-password-reset = Användaren får en länk via e-post och väljer ett nytt lösenord. Du ser det inte, och tvåfaktorsautentiseringen förblir på.
desk-act-groups = Grupperna avgör vilka tjänster användaren får öppna. Ändringen gäller direkt.
desk-act-disable = Användaren kan inte längre logga in och alla sessioner avslutas direkt. Inget raderas.
desk-act-enable = Användaren kan logga in igen, med samma lösenord och autentiseringsapp som tidigare.
desk-act-delete = { $days ->
    [one] Kontot stängs direkt och raderas efter 1 dag. Fram till dess kan det behållas.
   *[other] Kontot stängs direkt och raderas efter { $days } dagar. Fram till dess kan det behållas.
 }
desk-act-keep = Den planerade raderingen återtas.
desk-act-second = Det här gäller när en andra handläggare har godkänt det.
desk-act-until = Undantagets sista dag
desk-act-until-empty = Ange undantagets sista dag
desk-act-until-err = { $days ->
    [one] Välj morgondagen
   *[other] Välj en dag från och med i morgon, högst { $days } dagar framåt
 }
desk-groups-hint = Åtskilda med kommatecken
desk-groups-err = Ett gruppnamn har bokstäver, siffror, punkter, bindestreck och understreck
desk-issue-title = Utfärda engångskod
desk-issue-page = Utfärda engångskod för { $name }
desk-issue-check = Hur kontrollerade du att det är användaren?
desk-issue-check-callback = Ringde upp det registrerade numret
desk-issue-check-manager = Chefen bekräftade
desk-issue-check-id = Såg en legitimation, på plats eller via video
desk-issue-check-err = Välj hur du kontrollerade att det är användaren
desk-issue-send = Hur får användaren koden?
desk-issue-send-email = Skicka den till { $email }
desk-issue-send-mail = Skicka den via e-post
desk-issue-send-email-hint = Du ser inte koden.
desk-issue-send-show = Visa den för mig en gång, för chatt eller telefon
desk-issue-send-err = Välj hur användaren får koden
desk-issue-case = Ärendenummer
desk-issue-case-err = Ange ärendenumret
desk-issue-quota = { $minutes ->
    [one] Du har utfärdat 5 engångskoder inom en timme. Försök igen om 1 minut.
   *[other] Du har utfärdat 5 engångskoder inom en timme. Försök igen om { $minutes } minuter.
 }
desk-issue-submit = Utfärda kod
desk-issue-cancel = Avbryt
desk-issue-replaces = Användaren har en öppen kod. En ny ersätter den.
desk-shown-title = Engångskod för { $name }
desk-shown-valid = Giltig till { $time } ({ $minutes } minuter), för en inloggning. När du stänger detta kan du inte se den igen.
desk-shown-message-label = Meddelande till chatten
desk-shown-message = Din engångskod är { $code }. Välj ”Annan metod” i kodfönstret och sedan ”Engångskod”. Den fungerar en gång, till { $time }. Ingen kommer att be dig säga den tillbaka.
desk-shown-copy = Kopiera meddelandet
desk-shown-done = Klar
desk-shown-sent = Koden har skickats till { $email }. Den är giltig till { $time }.
desk-approvals-note = Det en handläggare begär här måste en annan godkänna. Ring handläggaren om något verkar konstigt.
desk-approvals-none = Inget väntar på godkännande.
desk-approvals-by = Begärt av
desk-approvals-at = Begärt
desk-approvals-check = Kontrollerat
desk-approvals-lapses = { $minutes ->
    [one] Förfaller om 1 minut
   *[other] Förfaller om { $minutes } minuter
 }
desk-approvals-own = Det här är din egen begäran eller gäller ditt konto. Någon annan måste besluta.
desk-approvals-approve = Godkänn
desk-approvals-decline = Avslå
desk-approvals-approved = Godkänt och utfört.
desk-approvals-declined = Avslaget. Inget ändrades.
desk-approvals-gone = Begäran har förfallit, eller så har någon annan beslutat den.
desk-adopt-title = 2FA-införande
desk-adopt-csv = Ladda ned CSV
desk-adopt-on-hint = { $n } av { $total } användare
desk-adopt-grace-hint = kan fortfarande skjuta upp
desk-adopt-due-hint = måste aktivera för att logga in
desk-adopt-exempt-hint = var och en till en bestämd dag
desk-adopt-chart = Andel användare med tvåfaktor på
desk-adopt-deadline = Sista tidsfrist, { $date }
desk-adopt-alt = Från { $a } % veckan { $date } till { $b } % veckan { $date2 }.
desk-adopt-alt-one = { $b } % veckan { $date2 }.
desk-adopt-empty = Det finns inga veckosiffror än.
desk-adopt-numbers = Visa siffrorna
desk-adopt-per-week = Andel per vecka
desk-adopt-week = Vecka från
desk-adopt-row = På, %
desk-adopt-groups = Per grupp
desk-adopt-table = Tabell över grupper
desk-adopt-th-group = Grupp
desk-adopt-th-users = Användare
desk-trail-event = Händelse
desk-trail-any = Alla
desk-trail-actor = Utfört av
desk-trail-from = Från
desk-trail-to = Till
desk-trail-dates-err = Ange två dagar, den tidigare först
desk-trail-note = Loggen kan läsas men inte ändras.
desk-trail-none = Inget är registrerat.
desk-trail-export = Exportera (JSON Lines)
desk-trail-newest = Senaste
desk-trail-older = Äldre
desk-trail-whom = Konto
desk-trail-who = Utfört av
desk-trail-where = Från
desk-new-name = Namn
desk-new-name-err = Ange namnet
desk-new-login = Användarnamn
desk-new-login-empty = Ange användarnamnet
desk-new-login-bad = Användarnamnet kan inte användas
desk-new-login-taken = Det finns redan ett konto med användarnamnet
desk-new-email = E-postadress
desk-new-email-bad = Ange en hel e-postadress, till exempel namn@example.com
desk-new-email-empty = En inbjudan kräver en e-postadress
desk-new-email-taken = Det finns redan ett konto med e-postadressen
desk-new-language-any = Organisationens
desk-new-start = Hur börjar användaren?
desk-new-start-err = Välj hur användaren börjar
desk-new-invite = Med en inbjudan via e-post
desk-new-invite-hint = Användaren väljer ett lösenord. Du ser det inte.
desk-new-show = Med ett startlösenord som visas för mig en gång
desk-new-show-hint = Användaren måste byta det vid första inloggningen.
desk-new-submit = Skapa konto
desk-secret-title = Startlösenord för { $name }
desk-secret-until = Det fungerar till { $time } UTC.
desk-secret-note = Användaren måste byta det vid första inloggningen. När du stänger detta kan du inte se det igen.
desk-import-title = Importera konton
desk-import-label = Konton
desk-import-hint = Klistra in CSV med rubrikrad eller JSON Lines. Inget skapas innan du har sett vad varje rad skulle göra.
desk-import-preview = Kontrollera
desk-import-check = Inget har skapats än. Rader med problem och konton som finns utelämnas.
desk-import-submit = { $n ->
    [one] Skapa 1 konto
   *[other] Skapa { $n } konton
 }
desk-import-again = Börja om
desk-import-more = Importera fler
desk-import-report = Vad som skulle hända
desk-import-result = Vad som gjordes
desk-import-lines = Rapport, rad för rad
desk-import-th-line = Rad
desk-import-th-who = Konto
desk-import-th-what = Resultat
desk-import-new = { $n ->
    [one] 1 nytt
   *[other] { $n } nya
 }
desk-import-created = { $n ->
    [one] 1 skapat
   *[other] { $n } skapade
 }
desk-import-exists = { $n ->
    [one] 1 finns redan
   *[other] { $n } finns redan
 }
desk-import-problems = { $n ->
    [one] 1 problem
   *[other] { $n } problem
 }
desk-import-line-new = Nytt
desk-import-line-created = Skapat
desk-import-line-exists = Finns redan
desk-import-line-problem = Problem
desk-forbidden-title = Din roll tillåter inte detta
desk-forbidden-body = Du är inloggad, men den här delen av konsolen är för en annan roll. Om du behöver den i ditt arbete, fråga den som hanterar behörigheter i din organisation.
desk-new-role-err = Grupper som ger en roll i konsolen ges efteråt, med en andra handläggare
desk-import-err-line = Raden kan inte läsas: { $name }
desk-import-err-login = Det här användarnamnet kan inte användas
desk-import-err-email = Det här är ingen e-postadress
desk-import-err-group = Det här kan inte vara en grupp: { $name }
desk-import-err-twice = Finns redan på rad { $name }
desk-import-err-taken = E-postadressen hör till ett annat konto
desk-import-err-role = Gruppen { $name } ger en roll i konsolen: ge den efteråt, med en andra handläggare
desk-import-err-password = Lösenord importeras bara på kommandoraden
desk-import-err-text = Det här är inte text i UTF-8
desk-import-err-empty = Klistra in minst ett konto
desk-import-err-many = För många rader: högst { $name } åt gången
desk-import-err-large = Det här är för stort: högst 1 MiB åt gången
desk-import-err-stale = Det som skickades är inte det som kontrollerades. Kontrollera igen
desk-act-last-administrator = Det skulle inte finnas någon administratör kvar. Ge rollen till någon annan först.
desk-act-no-mail = Inget kan mejlas till den här användaren: adressen saknas eller ändrades under de senaste 7 dagarna, eller så är e-post inte inställt.
